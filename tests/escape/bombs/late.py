# SPDX-License-Identifier: MIT
"""A script that would return after its deadline does not.

layers: wall
code: TIMEOUT
details: {"limit": "wall", "seconds": 2}
"""

import time


def main():
    time.sleep(3.5)
    return "too late"
