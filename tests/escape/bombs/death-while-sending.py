# SPDX-License-Identifier: MIT
"""A process that is killed in the middle of its result has none.

layers: none: the kernel's report
code: CRASHED
details: {"signal": "SIGKILL"}
"""

import array
import fcntl
import os
import signal
import termios
import threading


def kill_at_first_byte():
    waiting = array.array("i", [0])
    while not waiting[0]:
        fcntl.ioctl(3, termios.FIONREAD, waiting)
    os.kill(os.getpid(), signal.SIGKILL)


def main():
    fcntl.fcntl(3, 1031, 4096)  # F_SETPIPE_SZ: it takes many writes
    fcntl.fcntl(3, fcntl.F_SETSIG, signal.SIGKILL)  # sent as soon as somebody has read of the full pipe (fcntl(2), O_ASYNC)
    try:
        fcntl.fcntl(3, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(3, fcntl.F_SETFL, fcntl.fcntl(3, fcntl.F_GETFL) | os.O_ASYNC)
    except PermissionError:  # where a job is one process
        threading.Thread(target=kill_at_first_byte, daemon=True).start()
        os.nice(19)  # of this thread alone: the other one is to see the first byte before this one has written the last
    return "x" * 1000000
