# SPDX-License-Identifier: MIT
"""Removed files that wait in a socket, which waits in another socket to be received, are in nobody's descriptors; they count.

needs: standard
settings: {"TIME_LIMIT_SEC": "6"}
layers: memory, filter
code: MEMORY_LIMIT
within: 5
"""

import os
import socket
import time


def main():
    left, right = socket.socketpair()
    outer, kept = socket.socketpair()
    try:
        socket.send_fds(outer, [b"x"], [right.fileno()])
    except PermissionError:
        bytearray(1 << 40)
    right.close()
    for number in range(60):
        fd = os.open(f"{WORK}/{number}", os.O_CREAT | os.O_RDWR)
        os.write(fd, b"x" * (9 << 20))
        os.unlink(f"{WORK}/{number}")
        try:
            socket.send_fds(left, [b"x"], [fd])
        except PermissionError:
            bytearray(1 << 40)  # refused is as good: the same answer, by MemoryError
        os.close(fd)
    time.sleep(4)
    return len(kept.recv(100))
