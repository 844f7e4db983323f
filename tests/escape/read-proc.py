# SPDX-License-Identifier: MIT
"""/proc shows the job's own processes and nothing of the machine, and nothing of process 1.

At the level "standard" it shows nothing at all: where the names in it are known, none of them can be opened, the job's own
no more than those of the machine. Links that are read without opening (readlink(2)) show nothing of others. EINVAL is the
answer of its own namespaces, which are no files: they can be opened, and there is nothing to read in them. A jail with
mounts of its own that has no /proc has an empty directory instead.

layers: proc, mounts, landlock
expect: {"*": "ENOENT", "/proc/1/mem": "ENOENT", "/proc/sys": "ENOENT", "others": [], "own": true}
expect standard: {"*": "ENOENT|EACCES|EPERM", "/proc/1/mem": "ENOENT|EACCES|EPERM", "/proc/sys": "ENOENT|EACCES|EPERM",
                  "own opened": ["ENOENT|EACCES|EINVAL"], "links": ["ENOENT|EACCES|EPERM"]}
expect without proc: {"own": false}
"""

import os

MACHINE = ("sys", "sys/kernel/core_pattern", "sys/kernel/hostname", "kcore", "kallsyms", "kmsg", "keys", "key-users",
           "sysrq-trigger", "modules", "cmdline", "version", "config.gz", "meminfo", "cpuinfo", "uptime", "loadavg",
           "stat", "partitions", "mounts", "net", "iomem", "interrupts", "locks", "timer_list", "vmallocinfo", "scsi",
           "bus", "fs", "irq", "acpi", "swaps", "sched_debug", "latency_stats")
FIRST = ("", "/environ", "/cmdline", "/mem", "/maps", "/root", "/cwd", "/exe", "/fd", "/status", "/mountinfo",
         "/oom_score_adj", "/ns/net", "/task/1/mem")


def main():
    tried = {"/proc/" + name: attempt(os.lstat, "/proc/" + name) if STRONG else try_read("/proc/" + name) for name in MACHINE}
    tried.update({"/proc/1" + name: try_read("/proc/1" + name) for name in FIRST})
    if not STRONG:
        pids = [pid for pid in GIVEN["pids"] if pid != os.getpid()] + [1]
        tried["own opened"] = sorted({try_read(f"/proc/{own}{name}") for own in ("self", "thread-self", os.getpid())
                                      for name in FIRST if name not in ("/root", "/cwd", "/exe")})
        tried["links"] = sorted({attempt(os.readlink, f"/proc/{pid}/{name}") for pid in pids
                                 for name in ("cwd", "root", "exe", "fd/0", "ns/mnt")})
        tried.update({f"/proc/{pid}{name}": try_read(f"/proc/{pid}{name}") for pid in pids for name in FIRST})
        return {**tried, "others": [] if try_read("/proc") != "allowed" else os.listdir("/proc"), "own": True}
    tried["others"] = sorted(set(os.listdir("/proc") if os.path.isdir("/proc") else []) - {"self", "thread-self", str(os.getpid())})
    tried["own"] = os.path.exists(f"/proc/{os.getpid()}/status")
    return tried
