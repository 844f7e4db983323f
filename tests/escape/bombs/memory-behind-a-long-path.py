# SPDX-License-Identifier: MIT
"""Shared memory behind the mapping of a file whose path is longer than what an accountant reads at once.

settings: {"TIME_LIMIT_SEC": "6"}
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import ctypes
import mmap
import os
import time

LOW = 1 << 32  # before all others in the list


def main():
    for _ in range(80):
        os.mkdir("d" * 250)
        os.chdir("d" * 250)
    fd = os.open("file", os.O_CREAT | os.O_RDWR)
    os.write(fd, b"x" * 4096)
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    assert libc.mmap(LOW, 4096, 1, mmap.MAP_PRIVATE, fd, 0) == LOW
    memory = mmap.mmap(-1, 700 << 20)
    for offset in range(0, 700 << 20, 4096):
        memory[offset] = 1
    time.sleep(3)
    return len(memory)
