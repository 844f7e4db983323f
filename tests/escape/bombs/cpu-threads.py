# SPDX-License-Identifier: MIT
"""Threads that compute outside the interpreter's lock count together.

settings: {"CPU_LIMIT_SEC": "1", "TIME_LIMIT_SEC": "6"}
unsafe without: wall
layers: limits, cpu
code: TIMEOUT
details: {"limit": "cpu", "seconds": 1}
within: 4
"""

import hashlib
import threading


def burn():
    while True:
        hashlib.sha512(b"x" * (1 << 22))


def main():
    for _ in range(4):
        threading.Thread(target=burn, daemon=True).start()
    burn()
