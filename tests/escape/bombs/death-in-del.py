# SPDX-License-Identifier: MIT
"""A value that ends the process when it is let go of: after it was turned into JSON, before that is sent.

layers: none: the kernel's report
code: EMPTY_OUTPUT
"""

import os


class Last(dict):
    def __del__(self):
        os._exit(0)


def main():
    return Last(a=1)
