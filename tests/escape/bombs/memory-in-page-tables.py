# SPDX-License-Identifier: MIT
"""A byte read in every 2 MiB makes a page of page tables each, and none of memory: tables of many processes count.

A mapping is no longer than RLIMIT_AS; that grows with NPROC_LIMIT, for the stacks of threads.

settings: {"MEM_LIMIT_MB": "128", "NPROC_LIMIT": "4000", "TIME_LIMIT_SEC": "8", "TMP_LIMIT_MB": "600", "FSIZE_LIMIT_MB": "600"}
needs: processes, linux
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import mmap
import os
import time


def main():
    length = 30 << 30
    for _ in range(7):
        if os.fork() == 0:
            space = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ)
            space[:: 2 << 20]
            time.sleep(30)
    time.sleep(7)
    return "420 MiB in page tables"
