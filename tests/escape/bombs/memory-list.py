# SPDX-License-Identifier: MIT
"""A list that grows.

settings: {"TIME_LIMIT_SEC": "6"}
layers: memory, cgroup, limits
code: MEMORY_LIMIT
"""


def main():
    keep = []
    for _ in range(800):
        keep.append(bytearray(1 << 20))
    return len(keep)
