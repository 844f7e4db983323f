# SPDX-License-Identifier: MIT
"""A result of as many values as the limit lets through is valid, and is validated.

layers: none: the runner's and the reader's caps
expect: ["|x"]
"""


def main():
    return [""] * 262000
