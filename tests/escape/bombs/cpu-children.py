# SPDX-License-Identifier: MIT
"""Children that compute count together.

settings: {"CPU_LIMIT_SEC": "1", "TIME_LIMIT_SEC": "6"}
needs: processes
layers: cpu
code: TIMEOUT
details: {"limit": "cpu", "seconds": 1}
within: 4
"""

import os
import time


def main():
    for _ in range(6):
        if os.fork() == 0:
            end = time.process_time() + 0.6
            while time.process_time() < end:
                pass
            os._exit(0)
    for _ in range(6):
        os.wait()
    return "3.6 seconds"
