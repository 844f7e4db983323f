import atexit
import threading
import time


def late():
    time.sleep(0.2)
    print("late thread")


def main():
    atexit.register(print, "at exit")
    threading.Thread(target=late).start()
    print("main")
    return 1
