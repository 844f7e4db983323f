# SPDX-License-Identifier: MIT
"""Extended attributes, memory that no limit counts, cannot be written; a file system without them answers the same.

layers: filter
expect: {"*": "ENOTSUP", "setxattr": "ENOTSUP"}
"""


def main():
    return calls("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr")
