import os
import signal


def main():
    try:
        os.kill(os.getppid(), signal.SIGKILL)
    except OSError:
        pass
    return 'no effect'
