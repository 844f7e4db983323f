# SPDX-License-Identifier: MIT
"""The memory and the descriptors of other processes cannot be reached by any call, a child's neither.

Where a job is one process it tries the service's own, whose uid it has.

layers: filter
expect: {"*": "EPERM", "ptrace a child": "EPERM", "ptrace TRACEME": "EPERM", "process_madvise": "EPERM|absent"}
"""

import os


def main():
    pid = os.fork() if GIVEN["processes"] else GIVEN["pids"][0]
    if pid == 0:
        os.read(0, 1)
        import time
        time.sleep(30)
    tried = calls("process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
                  "process_mrelease")
    tried["ptrace TRACEME"] = call("ptrace", 0, 0, 0, 0)
    tried["ptrace a child"] = call("ptrace", 16, pid, 0, 0)
    tried["ptrace seize"] = call("ptrace", 0x4206, pid, 0, 0)
    tried["pidfd_getfd of itself"] = call("pidfd_getfd", pidfd_of(os.getpid()), 0, 0)
    tried["limits of a child"] = call("prlimit64", pid, 7, 0, 0)
    if GIVEN["processes"]:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return tried
