# SPDX-License-Identifier: MIT
"""Shared memory that a child touched and left: it is in no living process's resident set.

needs: processes
settings: {"TIME_LIMIT_SEC": "6"}
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import mmap
import os
import time


def main():
    memory = mmap.mmap(-1, 600 << 20)
    if os.fork() == 0:
        for offset in range(0, 600 << 20, 4096):
            memory[offset] = 1
        os._exit(0)
    os.wait()
    time.sleep(0.5)
    return len(memory)
