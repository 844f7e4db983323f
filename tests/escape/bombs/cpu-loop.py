# SPDX-License-Identifier: MIT
"""One process that computes for ever, whatever signals it ignores.

settings: {"CPU_LIMIT_SEC": "1", "TIME_LIMIT_SEC": "6"}
unsafe without: wall
layers: limits, cpu
code: TIMEOUT
details: {"limit": "cpu", "seconds": 1}
within: 4
"""

import signal


def main():
    for number in (signal.SIGXCPU, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass
