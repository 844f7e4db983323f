# SPDX-License-Identifier: MIT
"""What protects this job, as seen from inside: the same answer, or a layer is not what it was."""

import errno
import os
import resource
import signal
import socket


def attempt(call, *arguments):
    try:
        call(*arguments)
        return "done"
    except OSError as error:
        return errno.errorcode.get(error.errno, error.errno)


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError as error:
        return errno.errorcode.get(error.errno, error.errno)


def names(path):
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        return errno.errorcode.get(error.errno, error.errno)


def main():
    status = dict(line.partition(":")[::2] for line in read("/proc/self/status").splitlines())
    return {
        "status": {name: value.strip() for name, value in status.items()
                   if name in ("NoNewPrivs", "Seccomp", "Seccomp_filters", "Groups") or name.startswith("Cap")},
        "ids": [os.getresuid(), os.getresgid()],
        "network": attempt(socket.socket), "interfaces": names("/sys/class/net"),
        "reading": [attempt(open, path) for path in ("/etc/shadow", "/proc/1/environ", "/dev/kmsg")],
        "writing": [attempt(open, path, "w") for path in ("/x", "/usr/x", "/etc/passwd", "/proc/self/oom_score_adj")],
        "root": [attempt(os.chroot, "/"), names("/"), read("/proc/self/mountinfo").count("\n")],
        "processes": len([name for name in names("/proc") if name.isdigit()]),
        "descriptors": [fd for fd in range(64) if attempt(os.fstat, fd) == "done"],
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource)
                   if name.startswith("RLIMIT_")},
        "environment": dict(os.environ), "folder": os.getcwd(), "files": names("."), "host": os.uname().nodename,
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])), "umask": os.umask(0o22),
    }
