import threading
import time


def main():
    count = 0
    try:
        while count < 100000:
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            count += 1
    except RuntimeError as e:
        return ["refused", True if 10 < count < 64 else count]
