# SPDX-License-Identifier: MIT
"""A script that blocks all signals, and eats them in threads as they come, ends at its deadline.

settings: {"TIME_LIMIT_SEC": "0.5"}
unsafe without: wall
layers: wall
code: TIMEOUT
details: {"limit": "wall", "seconds": 0.5}
"""

import os
import signal
import threading


def eat():
    while True:
        signal.sigwait(range(1, 65))


def main():
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    for _ in range(4):
        threading.Thread(target=eat).start()
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
