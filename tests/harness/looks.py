# SPDX-License-Identifier: MIT
"""Looks at what a service holds, and at what it might leave on the machine; for tests of leaks, as root."""

import os

from .server import binary, wait_until

__all__ = ["anonymous_kb", "assert_no_more_files", "descriptors_of", "files_left", "groups_of", "lasting_pids", "look",
           "mounts_seen", "quiet", "sanitized"]

QUIET_LOOKS = 75             # 1.5 s at least


def files_left():
    """What jobs or the service might leave on the machine, by the names that they give."""
    words = ("safe-exec-canary", "script.py", "left", "psm_", "sem.")
    return {f"{place}/{name}" for place in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/") if os.path.isdir(place)
            for name in os.listdir(place) if any(word in name for word in words)}


def assert_no_more_files(before):
    """Another service that starts on this machine has a canary of its own for a moment."""
    wait_until(lambda: not files_left() - before, 5, f"no files left on the machine but {before}; now {files_left()}")


def groups_of(pid):
    """The control groups that the service of this pid made."""
    return [path for path, _, _ in os.walk("/sys/fs/cgroup")
            if os.path.basename(path) in (f"safe-exec-{pid}", f"safe-exec-{pid}-self")]


def mounts_seen(pid="self"):
    """The mount table that a process sees, without the numbers that differ each time."""
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as file:
        return sorted(line.split(" ", 2)[2] for line in file)


def descriptors_of(pid):
    """What a process holds, but the networks of cells: each is made when the cell is first needed, and stays."""
    kinds = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            kinds.append(os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0])
        except FileNotFoundError:       # it was looking at something just then
            pass
    return sorted(kind for kind in kinds if kind != "net")


def anonymous_kb(pid):
    """Memory of a process that is no file's, in KB."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["RssAnon"].split()[0])


def cpu_seconds(pid):
    """What a process has used so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sanitized():
    """Whether the service under test was built with AddressSanitizer."""
    with open(binary(), "rb") as file:
        return b"__asan_init" in file.read()


def lasting_pids(server):
    """{name: pid} of the processes of the service that stay."""
    return {"spawner": server.pid, "web": server.web_pid(),
            **{f"template {i}": pid for i, pid in enumerate(server.template_pids())}}


def look(server):
    """{name: (descriptors, KB of anonymous memory)} of the processes of the service that stay."""
    return {name: (descriptors_of(pid), anonymous_kb(pid)) for name, pid in lasting_pids(server).items()}


def quiet(server, fresh=None):
    """
    Waits until nothing changes any more, and web holds what it held when it was fresh: no connection. Without namespaces a
    cell that had orphans is kept up to a second, until whoever inherited them has waited for them.
    """
    last = []

    def unchanged():
        last.append(look(server))
        return len(last) > QUIET_LOOKS and fresh in (None, last[-1]["web"][0]) and all(
            look[name][0] == last[-1][name][0] for look in last[-QUIET_LOOKS:] for name in look)
    wait_until(unchanged, 30, "all connections are closed, and the number of descriptors does not change any more")
    return last[-1]
