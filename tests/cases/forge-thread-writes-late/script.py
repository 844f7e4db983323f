import os
import threading
import time


def spam():
    while True:
        os.write(3, b"FORGED")
        time.sleep(0.001)


def main():
    threading.Thread(target=spam, daemon=True).start()
    time.sleep(0.05)
    return "real"
