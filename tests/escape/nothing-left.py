# SPDX-License-Identifier: MIT
"""A job finds nothing of the one before it in the same slot: files, memory, processes, limits, mask, priority.

Each run looks first and then leaves behind what it can. "others": whom it may signal, but itself; "processes": whom /proc
shows, where there is one.

runs: 3
settings: {"MAX_CONCURRENCY": "1"}
layers: mounts, pid, own_uid
expect: {"tmp": ["script.py"], "shm": [], "processes": 0, "others": [], "mask": 18, "nice": 0, "descriptors": 256,
         "blocked": []}
"""

import os
import resource
import signal
import time
from multiprocessing import shared_memory


def leave_behind():
    open(f"{WORK}/left", "w").close()
    os.makedirs(f"{WORK}/.hidden/deeper")
    open(f"{WORK}/.hidden/deeper/left", "w").close()
    with open(f"{OWN[-1]}/left-memory", "wb") as file:
        file.write(b"x" * (4 << 20))
    if SHM:
        shared_memory.SharedMemory("left-shared", create=True, size=4096).close()
    for _ in range(3 * GIVEN["processes"]):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                    signal.signal(number, signal.SIG_IGN)
                time.sleep(6)
            os._exit(0)
    os.umask(0)
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])


def others():
    return [pid for pid in range(2, max(GIVEN["pids"]) + 200) if pid != os.getpid() and attempt(os.kill, pid, 0) == "allowed"]


def main():
    mask = os.umask(0o22)
    found = {"tmp": sorted(name for name in os.listdir(WORK) if name != "__pycache__"),
             "shm": sorted(os.listdir(SHM)) if SHM else [],
             "others": others(),
             "processes": len([name for name in os.listdir("/proc") if name.isdigit()]) - 1 if PROC else 0,
             "mask": mask,
             "nice": os.nice(0), "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
             "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, []))}
    leave_behind()
    return found
