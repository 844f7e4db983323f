# SPDX-License-Identifier: MIT
"""The same for the job's own directory in /dev/shm.

needs: own uid
settings: {"TMP_LIMIT_MB": "16", "TIME_LIMIT_SEC": "6"}
layers: memory
code: MEMORY_LIMIT
within: 4
"""

import time


def main():
    for number in range(5):
        with open(f"{SHM}/{number}", "wb") as file:
            file.write(b"x" * (8 << 20))
    time.sleep(5)
    return "40 MiB in shared memory"
