# SPDX-License-Identifier: MIT
"""Whoever ends process 1 of the job ends the job, and nobody else, where the kernel lets it: what it has forked, too.

Linux does not: process-one.py.

needs: strong, gvisor
unsafe without: pid
layers: pid
code: CRASHED
within: 2
"""

import os
import signal
import time


def main():
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            time.sleep(30)
    os.kill(1, signal.SIGKILL)
    time.sleep(30)
