import threading
import time


def main():
    threading.Thread(target=time.sleep, args=(60,)).start()
    return 'answered'
