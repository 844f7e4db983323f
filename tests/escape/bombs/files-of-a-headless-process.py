# SPDX-License-Identifier: MIT
"""A process whose first thread has ended shows no descriptors and no memory in its own name; it is counted all the same.

needs: standard
settings: {"TIME_LIMIT_SEC": "6"}
layers: memory
code: MEMORY_LIMIT
within: 5
"""

import os
import threading
import time


def fill():
    time.sleep(0.2)
    for number in range(60):
        fd = os.open(f"{WORK}/{number}", os.O_CREAT | os.O_RDWR)
        os.write(fd, b"x" * (9 << 20))
        os.unlink(f"{WORK}/{number}")
    time.sleep(4)
    os._exit(0)


def main():
    threading.Thread(target=fill).start()
    call("exit", 0)  # of this thread alone
