# SPDX-License-Identifier: MIT
"""Output without end, by children too, is cut and does not slow the end.

unsafe without: wall
layers: wall
code: TIMEOUT
"""

import os


def main():
    for _ in range(3 * GIVEN["processes"]):
        os.fork()
    while True:
        os.write(1, b"x" * 65536)
        os.write(2, b"y" * 65536)
