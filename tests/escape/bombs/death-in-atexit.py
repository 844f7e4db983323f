# SPDX-License-Identifier: MIT
"""A process that ends in a callback for its end has sent nothing yet.

layers: none: the kernel's report
code: EMPTY_OUTPUT
"""

import atexit
import os


def main():
    atexit.register(os._exit, 0)
    return "never sent"
