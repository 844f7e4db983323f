# SPDX-License-Identifier: MIT
"""A process that ends by itself in the middle of its result has sent no valid frame.

layers: none: the reader's parser
code: BAD_RUNNER_OUTPUT
"""

import array
import fcntl
import os
import signal
import termios
import threading


def leave_at_first_byte():
    waiting = array.array("i", [0])
    while not waiting[0]:
        fcntl.ioctl(3, termios.FIONREAD, waiting)
    os._exit(0)


def main():
    fcntl.fcntl(3, 1031, 4096)  # F_SETPIPE_SZ: it takes many writes
    signal.signal(signal.SIGIO, lambda *_: os._exit(0))  # sent as soon as somebody has read of the full pipe (O_ASYNC)
    try:
        fcntl.fcntl(3, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(3, fcntl.F_SETFL, fcntl.fcntl(3, fcntl.F_GETFL) | os.O_ASYNC)
    except PermissionError:  # where a job is one process
        threading.Thread(target=leave_at_first_byte, daemon=True).start()
        os.nice(19)  # of this thread alone: the other one is to see the first byte before this one has written the last
    return "x" * 1000000
