# SPDX-License-Identifier: MIT
"""Output of a byte at a time, of many processes, keeps nobody from the deadline.

settings: {"TIME_LIMIT_SEC": "0.5"}
unsafe without: wall
layers: wall
code: TIMEOUT
"""

import os


def main():
    for _ in range(3 * GIVEN["processes"]):
        os.fork()
    while True:
        os.write(1, b"x")
        os.write(2, b"y")
