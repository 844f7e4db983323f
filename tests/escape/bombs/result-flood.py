# SPDX-License-Identifier: MIT
"""A result over its limit is refused by the runner.

layers: none: the runner's and the reader's caps
code: RESULT_TOO_LARGE
"""


def main():
    return ["x" * 1000] * 20000
