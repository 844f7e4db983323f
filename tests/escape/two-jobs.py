# SPDX-License-Identifier: MIT
"""Two jobs at the same time find nothing of each other: files, shared memory, processes, names of sockets, IPC.

At the level "standard" another script tries, which cannot use the same names: two-jobs-on-one-machine.py.
Each puts its marks everywhere and looks for the other's until a moment that both were told.

needs: strong
jobs: 2
layers: mounts, pid, proc, ipc, filter
expect: {"files": [], "processes": [], "commands": [], "shared memory": "ENOENT", "abstract": "EPERM",
         "System V": "EPERM",
         "queue": "EPERM", "at the same time": true, "semaphore": "ENOENT"}
"""

import os
import socket
import subprocess
import time
from multiprocessing import shared_memory


def main():
    me, other = f"meeting-{GIVEN['job']}", f"meeting-{1 - GIVEN['job']}"
    began = time.time()
    for place in ("/tmp/", "/dev/shm/", "/var/tmp/"):
        with open(place + me, "w") as file:
            file.write(me)
    shared = shared_memory.SharedMemory(me + "-memory", create=True, size=4096)
    child = subprocess.Popen(["/usr/bin/sleep", "20", "20.0" + str(GIVEN["job"])])
    mine = {os.getpid(), child.pid}
    files, processes, commands = set(), set(), set()
    while time.time() < GIVEN["until"]:
        for place in ("/tmp", "/dev/shm", "/var/tmp"):
            files.update(name for name in os.listdir(place) if other in name)
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) not in mine and os.path.exists(f"/proc/{name}/stat"):
                parent = read(f"/proc/{name}/stat").rpartition(")")[2].split()[1]
                if int(parent) not in mine:  # the resource tracker of shared_memory is a child too
                    processes.add(name)
                    commands.add(read(f"/proc/{name}/cmdline"))
        time.sleep(0.02)
    tried = {"shared memory": attempt(shared_memory.SharedMemory, other + "-memory"),
             "semaphore": attempt(os.stat, "/dev/shm/sem." + other),
             "abstract": attempt(socket.socket, socket.AF_UNIX, socket.SOCK_DGRAM),
             "System V": call("shmget", 4711, 0, 0), "queue": call("mq_open", 0, 0, 0, 0)}
    child.kill()
    child.wait()
    shared.close()
    shared.unlink()
    return {**tried, "files": sorted(files), "processes": sorted(processes), "commands": sorted(commands),
            "at the same time": began < GIVEN["until"] - 0.3}
