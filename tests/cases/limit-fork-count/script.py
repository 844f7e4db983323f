import errno
import os
import time


def main():
    children = []
    try:
        while len(children) < 1000:
            pid = os.fork()
            if pid == 0:
                time.sleep(30)
                os._exit(0)
            children.append(pid)
    except OSError as e:
        return [errno.errorcode[e.errno], len(children) <= 64, len(children) > 30]
