# SPDX-License-Identifier: MIT
"""Try to get out of the jail, as a script would, and return "ok" or a list of what worked.

The service puts a few lines in front of this text (CANARY, a file outside; PORT, a listener of its own; PIDS, its own
processes; NEIGHBOUR, a directory like that of another job, or ""; STRONG, whether jobs have namespaces; ONE_PROCESS,
whether they may not start processes), runs the whole as an ordinary job before it serves, and does not start at this
level when any attempt succeeded.
"""

import ctypes
import errno
import os
import socket
import time

CLONE_NEWUSER = 0x10000000
PTRACE_ATTACH = 16
MS_BIND = 4096

_libc = ctypes.CDLL(None, use_errno=True)


def _opens_socket(family, kind):
    try:
        socket.socket(family, kind).close()
    except OSError:
        return False
    return True


def _connects():
    try:
        socket.create_connection(("127.0.0.1", PORT), 1).close()
    except OSError:
        return False
    return True


def _reads(path):
    try:
        with open(path, "rb") as file:
            return bool(file.read(1))
    except OSError:
        return False


def _writes(path):
    try:
        with open(path, "wb") as file:
            file.write(b"x")
    except OSError:
        return False
    return True


def _signals(pid):
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno not in (errno.ESRCH, errno.EPERM)
    return True


def _calls(function, *arguments):
    return getattr(_libc, function)(*arguments) == 0


def _visible(pid):
    """With namespaces there are only process 1, which is hidden, and this one: any other number is the service's.

    Without them the numbers can be seen where there is a /proc, and what counts is that nothing can be read there.
    """
    if STRONG:
        return pid not in (1, os.getpid()) and os.path.exists(f"/proc/{pid}")
    return any(_reads(f"/proc/{pid}/{name}") for name in ("stat", "status", "cmdline", "maps"))


def _changes_mode(path):
    """By effect: where it cannot be told from success, nothing has changed."""
    try:
        mode = os.stat(path).st_mode & 0o7777
        os.chmod(path, mode ^ 0o001)
        changed = os.stat(path).st_mode & 0o7777 != mode
        os.chmod(path, mode)
    except OSError:
        return False
    return changed


def _lists(path):
    try:
        os.listdir(path)
    except OSError:
        return False
    return True


def _forks():
    try:
        pid = os.fork()
    except OSError:
        return False
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return True


def _identity():
    if not ONE_PROCESS and (os.getuid() == 0 or os.geteuid() == 0):
        return "it runs as uid 0"
    try:
        with open("/proc/self/status") as status:
            fields = dict(line.split(":\t", 1) for line in status.read().splitlines() if ":\t" in line)
    except OSError:
        return None  # no /proc here: the launcher has read the same back by system calls
    for name in ("CapEff", "CapPrm", "CapInh"):
        if int(fields.get(name, "0"), 16):
            return f"{name} is not empty"
    if fields.get("NoNewPrivs", "1") != "1":
        return "no_new_privs is off"
    if fields.get("Seccomp", "2") != "2":
        return "no filter is in force"
    return None


def _descriptors():
    for fd in range(4, 256):
        try:
            os.fstat(fd)
        except OSError:
            continue
        return f"descriptor {fd} is open"
    return None


def _leave_stray():
    """A process that is nobody's child and in no group of ours: it keeps stdout open, which the service looks at."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(20)
        os._exit(0)
    os.wait()


def _writable_mounts():
    if not STRONG:
        return None  # the machine's; what can be written is tried above
    try:
        with open("/proc/self/mountinfo") as mounts:
            lines = [line.split() for line in mounts]
    except OSError:
        return None  # no /proc here
    for fields in lines:
        if "ro" not in fields[5].split(",") and fields[4] not in ("/tmp", "/dev/shm", "/proc"):
            return f"{fields[4]} is mounted writable"
    return None


def main():
    breaches = []

    def expect(refused, what):
        if not refused:
            breaches.append(what)

    for name in ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"):
        family = getattr(socket, name, None)
        if family is not None:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
                expect(not _opens_socket(family, kind), f"socket({name}, {kind.name})")
    expect(not _connects(), "connect to a listener of the service")
    expect(not _reads(CANARY), "read a file outside")
    for prefix in ("/proc/1/root", "/proc/self/root/..", "/tmp/../.."):
        expect(not _reads(prefix + CANARY), f"read a file outside through {prefix}")
    for path in ("/canary", "/usr/canary", "/usr/bin/canary", "/etc/canary", "/dev/canary", "/runner/canary"):
        expect(not _writes(path), f"write {path}")
    for path in ("/", "/etc", "/etc/passwd", "/runner", CANARY):
        expect(not _changes_mode(path), f"change the mode of {path}")
    _writes(CANARY)  # may well be possible, in a directory of the jail's own: the service looks at the real file
    for pid in PIDS:
        expect(not _visible(pid), "see the processes of the service")
        expect(not ((_visible(pid) or not STRONG) and _signals(pid)), "signal the service")
        expect(not _reads(f"/proc/{pid}/environ") or pid == os.getpid(), "read the environment of the service")
    for name in ("environ", "maps", "mem", "cmdline"):
        expect(os.getpid() == 1 or not _reads(f"/proc/1/{name}"), f"read /proc/1/{name}")
    if NEIGHBOUR:
        expect(not _reads(NEIGHBOUR + "/canary"), "read a file of another job")
        expect(not _writes(NEIGHBOUR + "/canary"), "write a file of another job")
        expect(not _changes_mode(NEIGHBOUR), "change the mode of another job's directory")
        expect(not _lists(NEIGHBOUR), "list the files of another job")
        expect(not _lists(os.path.dirname(NEIGHBOUR)), "list the directories of other jobs")
    if ONE_PROCESS:
        expect(not _forks(), "start a second process")
    expect(not _calls("unshare", CLONE_NEWUSER), "unshare(CLONE_NEWUSER)")
    expect(not _calls("mount", b"/usr", os.getcwd().encode(), None, MS_BIND, None), "mount")
    expect(not _calls("chroot", os.getcwd().encode()), "chroot")
    expect(not _calls("ptrace", PTRACE_ATTACH, 1, None, None), "ptrace of process 1")
    expect(_writes("selftest"), "(and the working directory cannot be written)")
    for problem in (_identity(), _descriptors(), _writable_mounts()):
        expect(problem is None, problem)
    if not ONE_PROCESS:
        _leave_stray()
    return breaches or "ok"
