# SPDX-License-Identifier: MIT
"""A job that has no uid of its own makes no second process and signals nobody but itself, by no call; threads it has.

needs: one process
layers: one_process, filter
expect: {"*": "EPERM", "fork": "EPERM", "kill itself": "allowed", "tgkill itself": "allowed", "thread": "ran",
         "clone3": "ENOSYS", "FIOSETOWN": "ENOSYS", "SIOCSPGRP": "ENOSYS",
         "kill the service": ["EPERM"], "tgkill the service": ["EPERM"], "tkill the service": ["EPERM"],
         "by pidfd": ["EPERM|ESRCH"], "queue": ["EPERM"], "priority": ["EPERM"], "CPUs": ["EPERM"], "limits": ["EPERM"]}
"""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import threading


def forked():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def by_pidfd(pid):
    fd = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(fd, 0)
    finally:
        os.close(fd)


def main():
    me, left = os.getpid(), socket.socketpair()[0]
    pids = [pid for pid in GIVEN["pids"] if pid != me]
    ran = []
    thread = threading.Thread(target=lambda: ran.append("ran"))
    thread.start()
    thread.join()
    owner = struct.pack("ii", 1, pids[0])
    return {"fork": attempt(forked), "posix_spawn": attempt(os.posix_spawn, "/usr/bin/true", ["true"], {}),
            "subprocess": attempt(subprocess.run, ["/usr/bin/true"]),
            # Invalid for the kernel in any case: CLONE_SIGHAND without CLONE_VM.
            "clone": call("clone", 0x800 | 17, 0, 0, 0, 0), "clone high": call("clone", 1 << 32 | 0x800 | 17, 0, 0, 0, 0),
            "clone3": call("clone3"),
            "kill all": attempt(os.kill, -1, 0), "kill the group": attempt(os.kill, 0, 0),
            "kill its own group": attempt(os.kill, -me, 0), "kill itself": attempt(os.kill, me, 0),
            "tgkill itself": call("tgkill", me, threading.get_native_id(), 0), "thread": "".join(ran),
            "kill the service": sorted({attempt(os.kill, pid, 0) for pid in pids}),
            "tgkill the service": sorted({call("tgkill", pid, pid, 0) for pid in pids}),
            "tkill the service": sorted({call("tkill", pid, 0) for pid in pids}),
            "by pidfd": sorted({attempt(by_pidfd, pid) for pid in pids}),
            "queue": sorted({call("rt_sigqueueinfo", pid, 0, 0) for pid in pids}),
            "priority": sorted({call("setpriority", 0, pid, 5) for pid in pids}),
            "CPUs": sorted({call("sched_setaffinity", pid) for pid in pids}),
            "limits": sorted({call("prlimit64", pid, 7, 0, 0) for pid in pids}),
            "F_SETOWN": attempt(fcntl.fcntl, left, fcntl.F_SETOWN, pids[0]),
            "F_SETOWN_EX": attempt(fcntl.fcntl, left, 15, owner),
            "FIOSETOWN": call("ioctl", left.fileno(), 0x8901, 0), "SIOCSPGRP": call("ioctl", left.fileno(), 0x8902, 0)}
