# SPDX-License-Identifier: MIT
"""What a server uses: CPU time of all its processes, and their memory.

CPU time comes from a control group that the server is started in, because that counts every process
that ever ran in it or below it. Where no group can be made, times are summed over the process tree,
which misses children that nobody in the tree waited for.
"""

import os
import re
import signal
import time
from dataclasses import dataclass, field

__all__ = ["Group", "Process", "machine_cpu_seconds", "memory", "total_kib", "tree_cpu_seconds"]

_TICKS = os.sysconf("SC_CLK_TCK")


def _read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def _own_directory(controller, mounts):
    """Where the group of this process is visible in one hierarchy, or None; "" is version 2."""
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller not in controllers.split(","):
            continue
        for mount in mounts:
            # A container may show its own group as the root of the mount.
            for directory in (mount + path, mount):
                if os.path.exists(os.path.join(directory, "cgroup.procs")):
                    return directory.rstrip("/")
    return None


class Group:
    """A control group of our own that counts CPU time."""

    def __init__(self, directory, source, handed_down=()):
        self.directory, self.source = directory, source
        self._handed_down = handed_down

    @classmethod
    def make(cls, name):
        """A new group: version 1 (cpuacct), else version 2, else None."""
        for controller, mounts, source in (
                ("cpuacct", ("/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup/cpu,cpuacct"), "cpuacct"),
                ("", ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"), "cpu.stat")):
            own = _own_directory(controller, mounts)
            if own is None:
                continue
            directory = os.path.join(own, f"bench-{os.getpid()}-{name}")
            try:
                os.mkdir(directory)
            except OSError:
                continue
            group = cls(directory, source, () if controller else _hand_down(own))
            try:
                group.cpu_seconds()
                return group
            except (OSError, AttributeError):
                group.remove()
        return None

    def enter(self):
        """Moves the calling process in; for the moment before it becomes the server."""
        with open(os.path.join(self.directory, "cgroup.procs"), "w", encoding="ascii") as f:
            f.write("0")

    def cpu_seconds(self):
        """CPU time used in this group and below, since it was made."""
        if self.source == "cpuacct":
            return int(_read(os.path.join(self.directory, "cpuacct.usage"))) / 1e9
        text = _read(os.path.join(self.directory, "cpu.stat"))
        return int(re.search(r"^usage_usec (\d+)$", text, re.M).group(1)) / 1e6

    def remove(self):
        """Ends whoever is left in the group and removes it with all groups below."""
        deadline = time.monotonic() + 5
        while os.path.exists(self.directory) and time.monotonic() < deadline:
            for directory, _, _ in os.walk(self.directory, topdown=False):
                try:
                    for pid in _read(os.path.join(directory, "cgroup.procs")).split():
                        os.kill(int(pid), signal.SIGKILL)
                    os.rmdir(directory)
                except OSError:
                    pass    # still busy, or gone meanwhile
            time.sleep(0.02)
        for controller in self._handed_down:
            _write_control(os.path.dirname(self.directory), "-" + controller)


def _hand_down(own):
    """Version 2: lets groups below have memory and pids, which the service looks for.

    Where this fails the service could not have got them without a group of ours either.
    """
    there = _read(os.path.join(own, "cgroup.subtree_control")).split()
    return [controller for controller in ("memory", "pids")
            if controller not in there and _write_control(own, "+" + controller)]


def _write_control(directory, word):
    try:
        with open(os.path.join(directory, "cgroup.subtree_control"), "w", encoding="ascii") as f:
            f.write(word)
        return True
    except OSError:
        return False


def tree(pid):
    """[pid] of a process and all its living descendants."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(_stat(name)[1])
            except OSError:
                pass        # ended meanwhile
    found, frontier = [pid], [pid]
    while frontier:
        frontier = [p for p, parent in parents.items() if parent in frontier]
        found += frontier
    return found


def _stat(pid):
    """The fields of /proc/PID/stat after the name: state, parent, ..."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def tree_cpu_seconds(pid):
    """CPU time of the tree and of every child that it has waited for."""
    ticks = 0
    for p in tree(pid):
        try:
            ticks += sum(int(word) for word in _stat(p)[11:15])
        except OSError:
            pass
    return ticks / _TICKS


def machine_cpu_seconds():
    """CPU time that everybody on this machine has used since it was started."""
    user, nice, system, _, _, irq, softirq = map(int, _read("/proc/stat").split("\n")[0].split()[1:8])
    return (user + nice + system + irq + softirq) / _TICKS


@dataclass
class Process:
    """Memory of one process in KiB; None where /proc does not tell us."""

    pid: int
    name: str
    pss: int = None
    private: int = None
    anonymous: int = None
    shared: int = 0                             # what of pss belongs to shared memory
    memfds: dict = field(default_factory=dict)  # the memfds it maps: identity -> size of their pages


def memory(pid):
    """One Process for each of the tree."""
    found = []
    for p in tree(pid):
        try:
            process = Process(p, _read(f"/proc/{p}/comm").strip())
        except OSError:
            continue        # ended meanwhile
        try:
            sizes = {name: int(size) for name, size in
                     re.findall(r"^(\w+): +(\d+) kB$", _read(f"/proc/{p}/smaps_rollup"), re.M)}
            process.pss, process.anonymous = sizes["Pss"], sizes["Anonymous"]
            process.private = sizes["Private_Clean"] + sizes["Private_Dirty"]
            process.shared = sizes.get("Pss_Shmem", 0)
            process.memfds = _memfds(p)
        except (OSError, KeyError):
            pass            # not ours to look into, or a zombie
        found.append(process)
    return found


def _memfds(pid):
    found = {}
    for name in os.listdir(f"/proc/{pid}/map_files"):
        path = f"/proc/{pid}/map_files/{name}"
        try:
            if os.readlink(path).startswith("/memfd:"):
                info = os.stat(path)
                found[info.st_dev, info.st_ino] = info.st_blocks * 512 // 1024
        except OSError:
            pass            # unmapped meanwhile; or we are no root, and nothing in here is told
    return found


def total_kib(processes):
    """(sum of Pss, pages of memfds that nobody has touched through a mapping); None where one is not known.

    The second are memory all the same: a template can keep its heap in a memfd, of which Pss shows only what
    was read since.
    """
    if not processes or any(process.pss is None for process in processes):
        return None
    memfds = {identity: size for process in processes for identity, size in process.memfds.items()}
    touched = sum(process.shared for process in processes)
    return sum(process.pss for process in processes), max(0, sum(memfds.values()) - touched)
