# SPDX-License-Identifier: MIT
"""A script that waits, and has waiting children that ignore, block, stop and detach, ends at its deadline.

unsafe without: wall, pid, own_uid
layers: wall, pid
code: TIMEOUT
details: {"limit": "wall", "seconds": 2}
"""

import os
import signal
import time


def wait():
    while True:
        time.sleep(100)


def main():
    for kind in range(4 * GIVEN["processes"]):
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            if kind == 1:
                os.kill(os.getpid(), signal.SIGSTOP)
            if kind == 2:
                os.closerange(0, 64)
            wait()
    for number in set(range(1, 65)) - {9, 19, 32, 33}:
        signal.signal(number, signal.SIG_IGN)
    wait()
