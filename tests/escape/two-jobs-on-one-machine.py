# SPDX-License-Identifier: MIT
"""Two jobs without namespaces, at the same time, find nothing of each other by any means.

Each puts marks wherever it can, opens its own directories to everybody, and looks for the other's until a moment that both
were told: files in shared places and in each other's directories, shared memory, semaphores and sockets by name, System V
IPC, signals and descriptors of every process number up to the largest seen. Not promised: locks on shared read-only files,
and that numbers of processes and names of directories stay unknown.

needs: standard
jobs: 2
layers: own_uid, one_process, landlock, filter
expect: {"made outside": [], "changed around": [], "seen files": [], "opened": [], "listed": [], "written": [],
         "shared memory": "ENOENT|EACCES", "semaphore": "ENOENT|EACCES", "made by name": "allowed|EACCES", "abstract": "EPERM",
         "path": "EPERM", "pair": "EPERM", "System V": ["EPERM"], "queue": "EPERM", "signalled": [], "opened in /proc": [],
         "linked in /proc": [], "at the same time": true, "many numbers": true}
"""

import _posixshmem
import os
import signal
import socket
import time

PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock", "/dev/mqueue", "/var/lock", "/var/crash", "/")


def make_semaphore(name, flags):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sem_open.restype = ctypes.c_void_p
    if libc.sem_open(name.encode(), flags, 0o666, 1) is None:
        raise OSError(ctypes.get_errno(), "sem_open")


def opened_as(path, how):
    os.close(os.open(path, how | os.O_NONBLOCK))


def put(me):
    """What could be made in shared places."""
    done = []
    for place in PLACES:
        for name in (me, "sem." + me, "psm_" + me):
            path = f"{place}/{name}"
            for make in (lambda: os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666)), lambda: os.mkfifo(path, 0o666),
                         lambda: os.symlink(WORK, path), lambda: os.mkdir(path, 0o777)):
                if attempt(make) == "allowed":
                    done.append(path)
                    (os.rmdir if os.path.isdir(path) and not os.path.islink(path) else os.remove)(path)
    return done


def neighbours():
    """Where another job's directories are, or would be: a uid is easy to guess, a random name is not."""
    uids = [os.getuid() + step for step in range(-40, 41) if step] if GIVEN["own uid"] else []
    return [own.replace(f"/{os.getuid()}/", f"/{uid}/") for own in OWN for uid in uids]


def changed_around():
    """What of the directories around its own, which keep others out, a job could list or change."""
    done = []
    for own in OWN if GIVEN["own uid"] else []:
        path = os.path.dirname(own)
        done += [path] if "allowed" in (
            attempt(os.listdir, path), attempt(os.mkdir, path + "/new"), attempt(os.rename, own, path + "/moved"),
            attempt_change(os.chmod, path, 0o777), attempt_change(os.chown, path, os.getuid(), -1)) else []
    return done


def allowed(paths, what):
    return [path for path in paths if attempt(what, path) == "allowed"]


def numbers(most):
    """Every process but those of this job: it has one thread and no child."""
    return [pid for pid in range(2, most) if pid != os.getpid()]


def look_at_processes(found, most):
    pids = [pid for pid in numbers(most) if os.path.exists(f"/proc/{pid}")] if os.path.isdir("/proc/1") else numbers(most)
    found["signalled"] += [pid for pid in numbers(most) if attempt(os.kill, pid, 0) == "allowed"]
    for pid in pids:
        found["signalled"] += [pid] if attempt(by_pidfd, pid) == "allowed" else []
        found["opened in /proc"] += allowed([f"/proc/{pid}{name}" for name in ("", "/fd", "/cmdline", "/mem", "/environ")],
                                            lambda path: opened_as(path, os.O_RDONLY))
        found["linked in /proc"] += allowed([f"/proc/{pid}/{name}" for name in ("cwd", "exe", "fd/1")], os.readlink)


def by_pidfd(pid):
    fd = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(fd, 0)
    finally:
        os.close(fd)


def main():
    me, other = f"meeting-{GIVEN['job']}", f"meeting-{1 - GIVEN['job']}"
    began = time.time()
    found = {"made outside": put(me), "changed around": changed_around(), "signalled": [], "opened in /proc": [],
             "linked in /proc": []}
    for own in OWN:
        os.chmod(own, 0o777)  # as a job would that wanted to be found
        for name in (me, "sem." + me, "psm_" + me):
            os.close(os.open(f"{own}/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
            os.chmod(f"{own}/{name}", 0o666)
    made = attempt(make_semaphore, "/" + me + "-own", os.O_CREAT)
    if SHM:
        os.close(_posixshmem.shm_open("/" + me + "-memory", os.O_CREAT | os.O_RDWR, mode=0o666))
    seen, opened, listed, written = set(), set(), set(), set()
    most = max(GIVEN["pids"] + [os.getpid()]) + 200
    looked = False
    while time.time() < GIVEN["until"] or not looked:
        for place in (*PLACES, *neighbours()):
            for name in (other, "sem." + other, "psm_" + other, other + "-memory", "sem." + other + "-own"):
                path = f"{place}/{name}"
                seen.update([path] if attempt(os.stat, path) == "allowed" and place in PLACES else [])
                opened.update([path] if attempt(opened_as, path, os.O_RDONLY) == "allowed" else [])
                written.update([path] if attempt(opened_as, path, os.O_WRONLY) == "allowed" else [])
        nearby = neighbours() + [os.path.dirname(place) for place in neighbours()]
        listed.update(allowed([*PLACES[:-1], *nearby], os.listdir))
        written.update(allowed([f"{place}/from-{me}" for place in nearby], os.mkdir))
        if not looked:
            looked = True
            look_at_processes(found, most)
        time.sleep(0.02)
    tried = {"shared memory": attempt(_posixshmem.shm_open, "/" + other + "-memory", os.O_RDWR, mode=0o666),
             "semaphore": attempt(make_semaphore, "/" + other + "-own", 0), "made by name": made,
             "abstract": attempt(socket.socket, socket.AF_UNIX, socket.SOCK_DGRAM),
             "path": attempt(socket.socket, socket.AF_UNIX, socket.SOCK_STREAM),
             "pair": attempt(socket.socketpair()[0].connect, WORK + "/socket"),
             "System V": sorted({call(name, 4711, 0o1666, 0o1666) for name in ("shmget", "semget", "msgget")}),
             "queue": call("mq_open", 0, 0, 0, 0)}
    ctypes.CDLL(None).sem_unlink(f"/{me}-own".encode())
    return {**tried, **found, "seen files": sorted(seen), "opened": sorted(opened), "listed": sorted(listed),
            "written": sorted(written), "at the same time": began < GIVEN["until"] - 0.3, "many numbers": most > 200}
