# SPDX-License-Identifier: MIT
"""More in files than TMP_LIMIT_MB ends the job, where no file system of its own could refuse to hold it.

needs: standard
settings: {"TMP_LIMIT_MB": "16", "TIME_LIMIT_SEC": "6"}
layers: memory
code: MEMORY_LIMIT
within: 4
"""

import time


def main():
    for number in range(5):
        with open(f"{WORK}/{number}", "wb") as file:
            file.write(b"x" * (8 << 20))
    time.sleep(5)
    return "40 MiB in files"
