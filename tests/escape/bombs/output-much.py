# SPDX-License-Identifier: MIT
"""Much output on both streams is drained, and the script completes.

layers: none: the reader's caps
expect: "done"
"""

import os


def main():
    for _ in range(200):
        os.write(2, b"y" * 65536)
        os.write(1, b"x" * 65536)
    return "done"
