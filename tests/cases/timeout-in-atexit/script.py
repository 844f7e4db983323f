import atexit
import time


def main():
    atexit.register(time.sleep, 60)
    return 'bounded'
