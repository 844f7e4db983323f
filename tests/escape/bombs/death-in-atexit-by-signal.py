# SPDX-License-Identifier: MIT
"""The same by a signal that none can catch: it is its own, and no limit's.

layers: none: the kernel's report
code: CRASHED
details: {"signal": "SIGKILL"}
"""

import atexit
import os
import signal


def main():
    atexit.register(os.kill, os.getpid(), signal.SIGKILL)
    return "never sent"
