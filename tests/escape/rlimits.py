# SPDX-License-Identifier: MIT
"""All limits are hard, have the configured value, and cannot be raised.

With namespaces, init is one process more. A job that is one process has no limit of their number, which the service counts.
gVisor lets nobody set the one for queues; there are none to use (nameless-memory.py).

layers: limits
expect: {"soft is hard": true, "CORE": 1, "CPU": "CPU_LIMIT_SEC", "FSIZE": "FSIZE_LIMIT_MB", "NOFILE": "NOFILE_LIMIT",
         "NPROC": "NPROC_LIMIT", "STACK": 8388608, "MEMLOCK": 0, "MSGQUEUE": 0, "NICE": 0, "RTPRIO": 0,
         "AS bounded": true,
         "raise": ["EPERM"]}
expect one process: {"NPROC": "of the user"}
expect gvisor: {"MSGQUEUE": 819200}
"""

import ctypes
import resource

NAMES = ("CORE", "CPU", "FSIZE", "NOFILE", "NPROC", "STACK", "MEMLOCK", "MSGQUEUE", "NICE", "RTPRIO", "SIGPENDING",
         "AS")


def main():
    settings = {"CPU": ("CPU_LIMIT_SEC", 0), "FSIZE": ("FSIZE_LIMIT_MB", 0), "NOFILE": ("NOFILE_LIMIT", 0),
                "NPROC": ("NPROC_LIMIT", 1 if STRONG else 0)}
    report, raised, hard = {}, set(), True
    for name in NAMES if GIVEN["processes"] else [name for name in NAMES if name != "NPROC"]:
        which = getattr(resource, "RLIMIT_" + name)
        soft, most = resource.getrlimit(which)
        hard = hard and soft == most
        report[name] = soft
        wanted = (ctypes.c_ulong * 2)(soft, most + 1 if most != resource.RLIM_INFINITY else 0)
        if most != resource.RLIM_INFINITY:
            raised.add(call("prlimit64", 0, which, ctypes.addressof(wanted), 0))
        else:
            raised.add("no limit")
    for name, (setting, spare) in settings.items():
        if name in report and report[name] == GIVEN["limits"][setting] + spare:
            report[name] = setting
    if not GIVEN["processes"]:
        report["NPROC"] = "of the user"
    report["AS bounded"] = 0 < report.pop("AS") < 1 << 40
    report.pop("SIGPENDING")
    return {**report, "soft is hard": hard, "raise": sorted(raised)}
