# SPDX-License-Identifier: MIT
"""A job cannot take precedence: no real-time class, no better priority, no other process's CPUs.

On gVisor nice values are kept and never looked at: there they give none.

layers: filter
expect: {"*": "EPERM", "nicer": "allowed", "less nice": "EPERM|EACCES"}
expect gvisor: {"less nice": "allowed|EPERM|EACCES"}
"""

import os


def main():
    tried = calls("sched_setattr", "sched_setscheduler", "sched_setparam", "ioprio_set", "sync", "syncfs")
    tried["CPUs of process 1"] = call("sched_setaffinity", 1)
    tried["priority of process 1"] = call("setpriority", 0, 1, 0)
    tried["priority of the user"] = call("setpriority", 2, 0, 0)
    tried["nicer"] = attempt(os.nice, 1)
    tried["less nice"] = attempt(os.setpriority, os.PRIO_PROCESS, 0, -5)
    return tried
