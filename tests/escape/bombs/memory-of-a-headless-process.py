# SPDX-License-Identifier: MIT
"""A process whose first thread has ended shows no memory in its own name; it is counted all the same.

settings: {"TIME_LIMIT_SEC": "6"}
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import mmap
import os
import threading
import time

PIECE = 16 << 20


def fill():
    time.sleep(0.2)
    pieces = []
    for _ in range(24):
        pieces.append(mmap.mmap(-1, PIECE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        for offset in range(0, PIECE, 4096):
            pieces[-1][offset] = 1
    time.sleep(4)
    os._exit(0)


def main():
    threading.Thread(target=fill).start()
    call("exit", 0)  # of this thread alone
