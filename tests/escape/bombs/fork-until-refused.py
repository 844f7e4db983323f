# SPDX-License-Identifier: MIT
"""The number of processes is bounded, for the whole job.

On gVisor the service counts them, and ends the job.

needs: processes
settings: {"TIME_LIMIT_SEC": "6"}
layers: limits, cgroup
expect: {"error": "EAGAIN", "bounded": true}
code gvisor: MEMORY_LIMIT
"""

import os
import time


def main():
    for count in range(150):
        try:
            if os.fork() == 0:
                time.sleep(30)
        except OSError as error:
            return {"error": name_of(error.errno), "bounded": 10 < count <= 64}
    return {"error": "none", "bounded": False}
