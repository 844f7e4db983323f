import os
import threading
import time


def main():
    threading.Thread(target=os._exit, args=(0,)).start()
    time.sleep(5)
