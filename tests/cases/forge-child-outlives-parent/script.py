import os
import time


def main():
    if os.fork() == 0:
        time.sleep(0.2)
        os.write(3, b"FORGED")
        os._exit(0)
    return "real"
