# SPDX-License-Identifier: MIT
"""A result of a hundred thousand levels is refused in words, and crashes nobody who walks or frees it.

layers: none: the runner's walk has a stack of its own
code: NON_JSON_RETURN
"""


def main():
    value = []
    for _ in range(50000):
        value = [{"": value}]
    return value
