# SPDX-License-Identifier: MIT
"""The number of open descriptors is bounded.

layers: limits
expect: {"error": "EMFILE", "bounded": true}
"""

import os


def main():
    for count in range(5000):
        try:
            os.dup(0)
        except OSError as error:
            return {"error": name_of(error.errno), "bounded": 100 < count < 256}
    return {"error": "none", "bounded": False}
