# SPDX-License-Identifier: MIT
"""/proc shows the job's own processes and nothing of the machine, and nothing of process 1.

layers: proc, mounts
expect: {"*": "ENOENT", "/proc/1/mem": "ENOENT", "/proc/sys": "ENOENT", "others": [], "own": true}
"""

import os

MACHINE = ("sys", "sys/kernel/core_pattern", "sys/kernel/hostname", "kcore", "kallsyms", "kmsg", "keys", "key-users",
           "sysrq-trigger", "modules", "cmdline", "version", "config.gz", "meminfo", "cpuinfo", "uptime", "loadavg",
           "stat", "partitions", "mounts", "net", "iomem", "interrupts", "locks", "timer_list", "vmallocinfo", "scsi",
           "bus", "fs", "irq", "acpi", "swaps", "sched_debug", "latency_stats")
FIRST = ("", "/environ", "/cmdline", "/mem", "/maps", "/root", "/cwd", "/exe", "/fd", "/status", "/mountinfo",
         "/oom_score_adj", "/ns/net", "/task/1/mem")


def main():
    tried = {"/proc/" + name: attempt(os.lstat, "/proc/" + name) for name in MACHINE}
    tried.update({"/proc/1" + name: try_read("/proc/1" + name) for name in FIRST})
    tried["others"] = sorted(set(os.listdir("/proc")) - {"self", "thread-self", str(os.getpid())})
    tried["own"] = os.path.exists(f"/proc/{os.getpid()}/status")
    return tried
