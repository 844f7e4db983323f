# SPDX-License-Identifier: MIT
"""Bytes that wait in pairs of sockets are the kernel's memory, and still the job's.

needs: processes
settings: {"TIME_LIMIT_SEC": "6"}
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import os
import socket
import time


def fill(most):
    keep, sent = [], 0
    while sent < most:
        try:
            pair = socket.socketpair()
        except OSError:  # no more descriptors: that much then
            break
        keep.extend(pair)
        for end in pair:
            attempt(end.setsockopt, socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
            end.setblocking(False)
            try:
                while True:
                    sent += end.send(b"x" * 32768)
            except BlockingIOError:
                pass
    return keep


def main():
    ready, tell = os.pipe()
    for _ in range(12):
        if os.fork() == 0:
            keep = fill(40 << 20)
            os.write(tell, b"x")
            time.sleep(30)
            os._exit(len(keep) > 0)
    filled = 0
    while filled < 12:
        filled += len(os.read(ready, 12))
    time.sleep(0.5)
    return "some 500 MiB in sockets"
