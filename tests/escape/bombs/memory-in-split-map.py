# SPDX-License-Identifier: MIT
"""A shared mapping in two pieces, the first of one page, is as large as both.

needs: processes
settings: {"TIME_LIMIT_SEC": "6"}
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import ctypes
import mmap
import os
import time

PAGE, BYTES = 4096, 600 << 20


def main():
    block = mmap.mmap(-1, BYTES)
    libc = ctypes.CDLL(None)
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    view = (ctypes.c_char * BYTES).from_buffer(block)
    libc.mprotect(ctypes.addressof(view), PAGE, 1)
    child = os.fork()
    if child == 0:
        for n in range(PAGE, BYTES, PAGE):
            block[n] = 1
        os._exit(0)
    os.waitpid(child, 0)  # what it touched is in nobody's resident set now
    time.sleep(1)
    return "kept"
