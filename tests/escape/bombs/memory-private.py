# SPDX-License-Identifier: MIT
"""Private anonymous memory, mapped at once and touched.

settings: {"TIME_LIMIT_SEC": "6"}
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import mmap
import time


def main():
    memory = mmap.mmap(-1, 600 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for offset in range(0, 600 << 20, 4096):
        memory[offset] = 1
    time.sleep(0.5)
    return len(memory)
