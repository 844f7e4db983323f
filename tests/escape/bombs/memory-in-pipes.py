# SPDX-License-Identifier: MIT
"""Bytes that wait in pipes are bounded by the kernel for each user (pipe(7)): 64 MiB and a page for each pipe more.

needs: processes, linux
layers: the kernel, cgroup
expect: {"filled": true, "bounded": true}
"""

import fcntl
import os
import time


def fill(tell):
    sent = 0
    try:
        while True:
            out = os.pipe()[1]
            attempt(fcntl.fcntl, out, 1031, 1 << 20)
            os.set_blocking(out, False)
            try:
                while True:
                    sent += os.write(out, b"x" * 32768)
            except BlockingIOError:
                pass
    except OSError:
        os.write(tell, f"{sent}\n".encode())


def main():
    ready, tell = os.pipe()
    for _ in range(5):
        if os.fork() == 0:
            fill(tell)
            time.sleep(30)
    text = b""
    while text.count(b"\n") < 5:
        text += os.read(ready, 1000)
    total = sum(int(line) for line in text.split())
    return {"filled": total > 8 << 20, "bounded": total < 128 << 20}
