# SPDX-License-Identifier: MIT
"""Files in /tmp and /dev/shm are memory: where their own limit is wide, the job's holds.

settings: {"TMP_LIMIT_MB": "600", "FSIZE_LIMIT_MB": "600"}
layers: memory, cgroup
code: MEMORY_LIMIT
"""

import time


def main():
    for place in reversed(OWN * (3 - len(OWN))):
        with open(place + "/fill", "ab") as file:
            for _ in range(300):
                file.write(b"x" * (1 << 20))
    time.sleep(0.5)
    return "600 MiB in files"
