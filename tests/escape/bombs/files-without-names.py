# SPDX-License-Identifier: MIT
"""Files that were removed and are still open take up room, and count as memory.

needs: standard
settings: {"TIME_LIMIT_SEC": "6"}
layers: memory
code: MEMORY_LIMIT
within: 5
"""

import os
import time


def main():
    for number in range(60):
        fd = os.open(f"{WORK}/{number}", os.O_CREAT | os.O_RDWR)
        os.write(fd, b"x" * (9 << 20))
        os.unlink(f"{WORK}/{number}")
    time.sleep(4)
    return "540 MiB without a name"
