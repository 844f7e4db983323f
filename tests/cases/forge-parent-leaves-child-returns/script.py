import os
import time


def main():
    if os.fork() == 0:
        time.sleep(0.1)
        return "FORGED"
    os._exit(0)
