# SPDX-License-Identifier: MIT
"""The number of threads is bounded.

Where a job is one process, the kernel could only count those of all jobs together: the service counts, and ends the job.

settings: {"TIME_LIMIT_SEC": "6"}
layers: limits, cgroup
expect: {"error": "RuntimeError", "bounded": true}
code one process: MEMORY_LIMIT
"""

import threading
import time


def main():
    for count in range(150):
        try:
            threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
        except RuntimeError as error:
            time.sleep(0.3)     # for who counts them from outside
            return {"error": type(error).__name__, "bounded": 10 < count <= 64}
    return {"error": "none", "bounded": False}
