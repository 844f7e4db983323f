# SPDX-License-Identifier: MIT
"""A result of a million values is refused for its size before its text is made.

layers: none: the runner's and the reader's caps
code: RESULT_TOO_LARGE
"""


def main():
    return [0] * 1000000
