# SPDX-License-Identifier: MIT
"""Children that stop, wake and signal each other and all that they can reach keep nobody from the deadline.

settings: {"TIME_LIMIT_SEC": "0.5"}
needs: processes
unsafe without: wall, pid, own_uid, one_process
layers: wall, pid
code: TIMEOUT
details: {"limit": "wall", "seconds": 0.5}
"""

import os
import signal


def storm():
    while True:
        for number in (signal.SIGUSR1, signal.SIGRTMAX, signal.SIGTSTP, signal.SIGSTOP, signal.SIGCONT, signal.SIGCHLD):
            try:
                os.kill(-1, number)
                os.kill(0, signal.SIGCONT)
            except OSError:
                pass


def main():
    for number in set(range(1, 65)) - {9, 19, 32, 33}:
        signal.signal(number, signal.SIG_IGN)
    for _ in range(12):
        if os.fork() == 0:
            storm()
    storm()
