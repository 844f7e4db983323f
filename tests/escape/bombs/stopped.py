# SPDX-License-Identifier: MIT
"""A script that stops itself and its children ends at its deadline.

unsafe without: wall
layers: wall
code: TIMEOUT
details: {"limit": "wall", "seconds": 2}
"""

import os
import signal


def main():
    for _ in range(3 * GIVEN["processes"]):
        if os.fork() == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGSTOP)
