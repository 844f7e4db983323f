# SPDX-License-Identifier: MIT
"""Empty files and directories are not for nothing: too many of them end the job.

needs: standard
settings: {"TMP_LIMIT_MB": "4", "TIME_LIMIT_SEC": "8"}
layers: memory
code: MEMORY_LIMIT
within: 7
"""

import os
import time


def main():
    for number in range(2000):
        os.mkdir(f"{WORK}/{number}")
    time.sleep(7)
    return "2000 directories"
