# SPDX-License-Identifier: MIT
"""A fork bomb of processes that leave their session and fork on ends with the job.

By its deadline, or before where so many interpreters are too much memory.

unsafe without: limits, cgroup, pid, wall, own_uid, one_process
layers: limits, cgroup, wall, pid
code: TIMEOUT|MEMORY_LIMIT
"""

import os
import signal


def main():
    while True:
        try:
            if os.fork() == 0:
                os.setsid()
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
        except OSError:
            pass
