# SPDX-License-Identifier: MIT
"""Threads that start threads and never end are ended with the job.

Where a job is one process, the service counts them and does not wait for the deadline.

settings: {"TIME_LIMIT_SEC": "0.5"}
unsafe without: limits, cgroup, wall
layers: limits, cgroup, wall
code: TIMEOUT
code one process: TIMEOUT|MEMORY_LIMIT
"""

import threading


def grow():
    while True:
        try:
            threading.Thread(target=grow).start()
        except RuntimeError:
            pass


def main():
    grow()
