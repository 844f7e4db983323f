import signal
import time


def main():
    print('before')
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    time.sleep(10)
