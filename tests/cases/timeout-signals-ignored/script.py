import os
import signal
import time


def main():
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    os.setpgid(0, 0) if os.getpgid(0) != os.getpid() else None
    while True:
        time.sleep(10)
