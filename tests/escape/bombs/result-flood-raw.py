# SPDX-License-Identifier: MIT
"""Bytes without end on the result channel never become a result, and the job ends.

unsafe without: wall
layers: none: the reader's cap
code: BAD_RUNNER_OUTPUT|TIMEOUT
"""

import os


def main():
    while True:
        os.write(3, b"x" * 65536)
