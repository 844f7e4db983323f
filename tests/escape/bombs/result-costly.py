# SPDX-License-Identifier: MIT
"""A result of as many values as the limit lets through is valid, and is validated.

Whoever reads it takes his time, too.

layers: none: the runner's and the reader's caps
expect: ["|x"]
within: 8
"""


def main():
    return [""] * 262000
