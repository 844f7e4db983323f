# SPDX-License-Identifier: MIT
"""Bytes that drop into the result channel without end never become a result, and the job ends.

settings: {"TIME_LIMIT_SEC": "0.5"}
unsafe without: wall
layers: none: the reader's cap
code: TIMEOUT|BAD_RUNNER_OUTPUT
"""

import os


def main():
    while True:
        os.write(3, b"x")
