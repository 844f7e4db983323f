# SPDX-License-Identifier: MIT
"""Many children with 100 MiB each are one job.

needs: processes
settings: {"TIME_LIMIT_SEC": "6"}
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import os
import time


def main():
    for _ in range(6):
        if os.fork() == 0:
            keep = bytearray(b"x" * (100 << 20))
            time.sleep(30)
            os._exit(len(keep) & 1)
    time.sleep(4)
    return "600 MiB in children"
