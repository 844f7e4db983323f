# SPDX-License-Identifier: MIT
"""A script that returns with children that hold its pipes is answered at once.

needs: processes
layers: the reader of the pipes (early answer)
expect: "returned"
within: 1.5
"""

import os
import signal
import time


def main():
    for _ in range(5):
        if os.fork() == 0:
            os.setsid()
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            time.sleep(4)
            os._exit(0)
    return "returned"
