# SPDX-License-Identifier: MIT
"""Files that were removed and closed, and are still mapped, count as memory.

needs: standard
settings: {"TIME_LIMIT_SEC": "6"}
layers: memory
code: MEMORY_LIMIT
within: 5
"""

import mmap
import os
import time


def main():
    keep = []
    for number in range(60):
        fd = os.open(f"{WORK}/{number}", os.O_CREAT | os.O_RDWR)
        os.write(fd, b"x" * (9 << 20))
        os.unlink(f"{WORK}/{number}")
        keep.append(mmap.mmap(fd, 9 << 20))
        os.close(fd)
    time.sleep(4)
    return len(keep)
