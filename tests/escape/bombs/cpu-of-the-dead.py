# SPDX-License-Identifier: MIT
"""Short children whose end is ignored, so that the kernel adds their time to nobody's, count as well.

settings: {"CPU_LIMIT_SEC": "1", "TIME_LIMIT_SEC": "6"}
layers: cpu, cgroup
needs: cgroup, processes
code: TIMEOUT
details: {"limit": "cpu", "seconds": 1}
within: 4
"""

import os
import signal
import time


def main():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    end = time.monotonic() + 4.5
    while time.monotonic() < end:
        if os.fork() == 0:
            stop = time.process_time() + 0.03
            while time.process_time() < stop:
                pass
            os._exit(0)
        time.sleep(0.03)
    return "some 4 seconds"
