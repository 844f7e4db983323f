import os
import time


def main():
    if os.fork() == 0:
        return "FORGED"
    time.sleep(0.3)
    return "real"
