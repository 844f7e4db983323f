# SPDX-License-Identifier: MIT
"""The same behind thousands of mappings, so that the list of them is longer than an accountant may read.

needs: processes
settings: {"TIME_LIMIT_SEC": "6"}
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import ctypes
import mmap
import os
import time


def main():
    pieces = 6000
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    start = libc.mmap(None, 4096 * pieces, 3, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    for piece in range(0, pieces, 2):
        libc.mprotect(start + piece * 4096, 4096, 1)
    memory = mmap.mmap(-1, 600 << 20)
    if os.fork() == 0:
        for offset in range(0, 600 << 20, 4096):
            memory[offset] = 1
        os._exit(0)
    os.wait()
    time.sleep(0.5)
    return len(memory)
