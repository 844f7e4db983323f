# SPDX-License-Identifier: MIT
"""Process 1 of the job ignores every signal, and cannot be opened, traced or limited.

At the level "standard" that is process 1 of the machine or of the container. On gVisor process 1 of a namespace is a process
like others: process-one-killed.py.

unsafe without: pid, own_uid, one_process
layers: pid, proc, own_uid, filter
expect: {"alive": true, "opened": ["ENOENT"], "descriptors": "EPERM", "trace": "EPERM", "memory": "EPERM",
         "limits": "EPERM", "entered": "EPERM"}
expect standard: {"opened": ["EACCES|ENOENT|EPERM"], "signals": ["EPERM"]}
"""

import os
import time


def main():
    signals = [] if STRONG and GIVEN["gvisor"] else [number for number in range(1, 65) if number not in (32, 33)]
    answers = {attempt(os.kill, 1, number) for number in signals}
    time.sleep(0.2)
    pidfd = pidfd_of(1)
    return {**({} if STRONG else {"signals": sorted(answers)}), "alive": attempt(os.kill, 1, 0) in ("allowed", "EPERM"),
            "opened": sorted({try_read("/proc/1/" + name) for name in ("mem", "environ", "maps", "fd", "stack",
                                                                       "cmdline")}),
            "descriptors": call("pidfd_getfd", pidfd, 0, 0), "trace": call("ptrace", 16, 1, 0, 0),
            "memory": call("process_vm_readv", 1, 0, 0, 0, 0, 0), "limits": call("prlimit64", 1, 7, 0, 0),
            "entered": call("setns", pidfd, 0)}
