# SPDX-License-Identifier: MIT
"""multiprocessing's shared memory is memory, when it has lost its name and its process as well.

settings: {"MEM_LIMIT_MB": "128", "NPROC_LIMIT": "4000", "TIME_LIMIT_SEC": "8", "TMP_LIMIT_MB": "600", "FSIZE_LIMIT_MB": "600"}
needs: processes
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import ctypes
import os
import time
from multiprocessing import shared_memory


def main():
    blocks = [shared_memory.SharedMemory(create=True, size=60 << 20) for _ in range(10)]
    if os.fork() == 0:
        for block in blocks:
            block.unlink()
            ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(block.buf)), 1, len(block.buf))
        os._exit(0)
    os.wait()
    time.sleep(0.5)
    return "600 MiB in shared memory"
