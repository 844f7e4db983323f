# SPDX-License-Identifier: MIT
"""Processes that come and go as fast as they can, orphans and other programs among them, keep nobody from the deadline.

settings: {"TIME_LIMIT_SEC": "0.5"}
needs: processes
unsafe without: wall
layers: wall, pid
code: TIMEOUT
details: {"limit": "wall", "seconds": 0.5}
"""

import os


def hurry():
    while True:
        try:
            pid = os.fork()
            if pid == 0:
                if os.fork() == 0:
                    os.execv("/bin/true", ["true"])
                os._exit(0)  # and that one is an orphan
            os.waitpid(pid, 0)
        except OSError:
            if pid == 0:
                os._exit(1)


def main():
    for _ in range(5):
        if os.fork() == 0:
            hurry()
    hurry()
