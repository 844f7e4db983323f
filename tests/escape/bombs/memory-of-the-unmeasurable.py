# SPDX-License-Identifier: MIT
"""Processes with tens of thousands of mappings each are expensive to measure; that hides nothing.

settings: {"MEM_LIMIT_MB": "128", "NPROC_LIMIT": "4000", "TIME_LIMIT_SEC": "8", "TMP_LIMIT_MB": "600", "FSIZE_LIMIT_MB": "600"}
needs: processes
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import ctypes
import os
import time

PAGE = 4096


def main():
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    base = libc.mmap(None, 2 * 30000 * PAGE, 1, 0x22, -1, 0)
    for n in range(30000):
        libc.mprotect(base + 2 * n * PAGE, PAGE, 3)
    for _ in range(30):
        if os.fork() == 0:
            block = bytearray(20 << 20)
            for n in range(0, len(block), PAGE):
                block[n] = 1
            time.sleep(60)
    time.sleep(60)
