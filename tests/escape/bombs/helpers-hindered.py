# SPDX-License-Identifier: MIT
"""The helpers that measure the directory have the job's uid: to send them SIGSTOP for ever hides nothing.

needs: own uid
unsafe without: own_uid
settings: {"TMP_LIMIT_MB": "32", "TIME_LIMIT_SEC": "9"}
layers: memory
code: MEMORY_LIMIT
within: 4
"""

import os
import signal
import time


def hinder(spared):
    while True:
        for pid in range(os.getpid() - 20, os.getpid() + 300):
            if pid > 1 and pid not in spared and pid != os.getpid():
                attempt(os.kill, pid, signal.SIGSTOP)


def main():
    spared = {os.getpid()}
    if os.fork() == 0:
        hinder(spared)
    for number in range(12):
        with open(f"{WORK}/{number}", "wb") as file:
            file.write(b"x" * (8 << 20))
    time.sleep(8)
    return "96 MiB in files"
