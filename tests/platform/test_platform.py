# SPDX-License-Identifier: MIT
"""What must hold on every platform: the level is the expected one, and what /health claims is true inside a job.

Everything here goes over HTTP. tests/platform/run runs it in containers; in an ordinary run of the suite the platform is
the machine itself.
"""

import concurrent.futures
import json
import os
import re
import shutil
import tempfile
import threading
import time

import pytest
import urllib3

from harness.client import Client
from harness.facts import facts_of
from harness.server import Server, run_once, wait_until

IN_CONTAINER = bool(os.environ.get("SAFE_EXEC_TEST_PLATFORM"))
# "strong", "standard", or both where the engine's own defaults decide.
EXPECTED = os.environ.get("SAFE_EXEC_TEST_EXPECT") or os.environ.get("SAFE_EXEC_TEST_LEVEL", "strong")
LIMITS = {"TIME_LIMIT_SEC": "4", "CPU_LIMIT_SEC": "20", "MEM_LIMIT_MB": "256", "TMP_LIMIT_MB": "16", "FSIZE_LIMIT_MB": "8",
          "NPROC_LIMIT": "32", "NOFILE_LIMIT": "200", "MAX_CONCURRENCY": "3", "MAX_QUEUE": "200"}
SECRET = ("canary", "of the platform")               # joined in a job only, or its own script would hold it
TOKEN = "/run/secrets/token"

# What the scripts below may use.
TOOLS = """
import ctypes, errno, json, os, resource, socket, sys, tempfile, time
SECRET = {secret}[0] + "-" + {secret}[1]
PLACES = {places}

def attempt(function, *arguments):
    try:
        function(*arguments)
    except OSError as e:
        return errno.errorcode[e.errno]
    return "done"

def read(path):
    with open(path, "rb") as file:
        return file.read(100000)

def kin():
    return (os.getpid(), os.getppid())
"""


class Place:
    """A server with secrets around it: a variable, a file that all may read, a folder where all may write."""

    def __init__(self):
        self.outside = tempfile.mkdtemp(prefix="platform-", dir="/var/tmp")
        os.chmod(self.outside, 0o777)
        token, self.shared = os.path.join(self.outside, "token"), os.path.join(self.outside, "shared")
        os.mkdir(self.shared)
        for path in (token, os.path.join(self.shared, "file")):
            with open(path, "w", encoding="utf-8") as file:
                file.write("-".join(SECRET))
            os.chmod(path, 0o666)
        os.chmod(self.shared, 0o777)
        self.server = Server({**LIMITS, "SECRET_TOKEN": "-".join(SECRET)})
        self.places = {"token": token, "folder": self.shared}
        if IN_CONTAINER:
            self.server.mounts = {token: TOKEN + ":ro", self.shared: "/mnt/shared"}
            self.places = {"token": TOKEN, "folder": "/mnt/shared"}
        self.server.start()
        self.client = Client(self.server, timeout=30)

    def run(self, body, client=None):
        """The answer to a script with the tools in front of it."""
        tools = TOOLS.replace("{secret}", repr(SECRET)).replace("{places}", repr(self.places))
        return (client or self.client).execute(tools + "\n" + body)

    def result(self, body):
        """The result of a script that must succeed."""
        answer = self.run(body)
        assert answer.status == 200, repr(answer)
        return answer.result

    def layers(self):
        """What /health says of each layer."""
        return self.client.health()["isolation"]["layers"]

    def assert_untouched(self):
        """Nobody wrote where all may."""
        assert sorted(os.listdir(self.outside)) == ["shared", "token"] and os.listdir(self.shared) == ["file"]
        with open(os.path.join(self.shared, "file"), encoding="utf-8") as file:
            assert file.read() == "-".join(SECRET)

    def close(self):
        """Stops the server, with its own checks."""
        try:
            self.assert_untouched()
            self.server.stop()
        finally:
            self.server.kill()
            shutil.rmtree(self.outside)


@pytest.fixture(scope="module")
def place():
    made = Place()
    yield made
    made.close()


@pytest.fixture(scope="module")
def layers(place):
    return place.layers()


def ok(layers, name):
    """Whether a layer is claimed to be in force."""
    return layers.get(name, "absent").startswith("ok")


def chrooted(layers):
    """Whether jobs are said to have a uid of their own and another root."""
    return layers.get("own_uid", "").startswith("ok (with chroot")


# -- what /health says ---------------------------------------------------------------------------------------------


def test_level(place, layers, record_property):
    """The level is the expected one, and the layers that are in force add up to it."""
    health = place.client.health()
    level = health["isolation"]["level"]
    record_property("level", level)
    record_property("start", health["start"])
    record_property("memory", health["memory_enforced_by"])
    record_property("layers", json.dumps(layers))
    assert level in EXPECTED.split("|"), f"expected {EXPECTED}: {health['isolation']}"
    assert all(ok(layers, name) for name in ("descriptors", "limits", "identity", "filter")), layers
    assert all(text.startswith(("ok", "absent: ", "not needed: ")) for text in layers.values()), layers
    assert (level == "strong") == (ok(layers, "namespaces") and ok(layers, "mounts")), layers
    assert ok(layers, "mounts") or ok(layers, "landlock") or chrooted(layers), "nothing keeps files away"
    assert ok(layers, "namespaces") or ok(layers, "own_uid") or ok(layers, "one_process"), "nothing keeps jobs apart"


# A layer: what a job tries, and what it must find when /health says that the layer is in force.
CLAIMS = {
    "filter": ("return {f'{f} {t}': attempt(socket.socket, f, t) for f in (1, 2, 10, 16, 17) for t in (1, 2, 3)}",
               lambda got, place: set(got.values()) == {"EPERM"}),
    "namespaces": ("mine = {1, *kin()}\n"
                   "    return {'kin': kin(), 'others': sorted({attempt(os.kill, p, 0) for p in range(1, 3000) if p not in mine})}",
                   lambda got, place: got["others"] == ["ESRCH"] and max(got["kin"]) < 100),
    "mounts": ("return {'root': sorted(os.listdir('/')), 'opt': attempt(os.listdir, '/opt'),\n"
               "            'token': attempt(read, PLACES['token']), 'write': [attempt(open, p + '/x', 'w') for p in ('', '/usr', '/etc')]}",
               lambda got, place: (got["opt"] == got["token"] == "ENOENT" and not {"home", "opt", "root", "srv"} & set(got["root"])
                                   and set(got["write"]) <= {"EROFS", "EACCES"})),
    "descriptors": ("return [fd for fd in range(1000) if attempt(os.fstat, fd) == 'done']",
                    lambda got, place: {0, 1, 2} <= set(got) and len(got) <= 4),
    "limits": ("return [resource.getrlimit(what)[1] for what in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)]",
               lambda got, place: got[:2] == [200, 8 << 20] and got[2] in (0, 1)),
    "identity": ("library = ctypes.CDLL(None)\n"
                 "    head, sets = (ctypes.c_uint * 2)(0x20080522, 0), (ctypes.c_uint * 6)(*[9] * 6)\n"
                 "    return {'uids': [os.getuid(), os.geteuid(), os.getgid()], 'asked': library.capget(head, sets),\n"
                 "            'capabilities': list(sets), 'become root': attempt(os.setuid, 0), 'groups': os.getgroups()}",
                 lambda got, place: (0 not in got["uids"] and got["asked"] == 0 and not any(got["capabilities"])
                                     and got["become root"] == "EPERM")),
    "landlock": ("return {'token': attempt(read, PLACES['token']), 'folder': attempt(os.listdir, PLACES['folder']),\n"
                 "            'write': attempt(open, PLACES['folder'] + '/x', 'w'), 'append': attempt(open, PLACES['folder'] + '/file', 'a'),\n"
                 "            'program': attempt(read, '/opt/safe-exec/safe-exec'), 'passwd': attempt(read, '/etc/shadow')}",
                 lambda got, place: set(got.values()) <= {"EACCES", "ENOENT"}),
    # With namespaces the number inside is everybody's; test_two_jobs_find_nothing_of_each_other compares the others.
    "own_uid": ("return {'uid': os.getuid(), 'outside': [attempt(os.stat, up + '/opt/safe-exec') for up in ('', '..', '../../../..')]}",
                lambda got, place: got["uid"] not in (0, 10001) and (set(got["outside"]) <= {"ENOENT", "EACCES"} or
                                                                     not chrooted(place.layers()))),
    "modes": ("def after(path):\n"
              "        before = os.stat(path).st_ctime_ns\n"
              "        attempt(os.chmod, path, 0o777), attempt(os.utime, path), attempt(os.chown, path, os.getuid(), -1)\n"
              "        return os.stat(path).st_ctime_ns == before\n"
              "    open('own', 'w').close()\n"
              "    return {path: after(path) for path in ('/', '/usr', '/etc/passwd', '/tmp', os.getcwd(), 'own')\n"
              "            if attempt(os.stat, path) == 'done'}",
              lambda got, place: len(got) > 3 and all(got.values())),
    "one_process": ("import threading\n"
                    "    threading.Thread(target=print).start()\n"
                    "    return [attempt(os.fork), attempt(os.posix_spawn, '/usr/bin/true', ['true'], {})]",
                    lambda got, place: got == ["EPERM", "EPERM"]),
    "cgroup": ("return 0", lambda got, place: place.client.health()["memory_enforced_by"].startswith("cgroup")),
}


@pytest.mark.parametrize("layer", CLAIMS)
def test_a_claimed_layer_is_there(layer, place, layers):
    """/health never claims what an attack in a job shows to be absent."""
    assert layer in layers, "CLAIMS names what /health does not"
    if not ok(layers, layer):
        assert layers[layer].startswith(("absent: ", "not needed: "))
        return
    script, true = CLAIMS[layer]
    got = place.result(f"def main():\n    {script}\n")
    assert true(got, place), f"{layer} is said to be {layers[layer]!r}, and a job finds {got}"


def test_every_claim_is_attacked(layers):
    assert set(layers) == set(CLAIMS)


def test_processes_where_they_can_be_counted(place, layers):
    """A job has child processes exactly where /health says that all of them can be counted and killed."""
    left = ("import subprocess\ndef main():\n    if attempt(os.fork_exec if 0 else subprocess.run, ['/usr/bin/true']) != 'done':\n"
            "        return 'refused'\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(100)\n    return 'left one'\n")
    assert place.result(left) == ("refused" if ok(layers, "one_process") else "left one")
    wait_until(lambda: not place.server.job_pids(), 3, "the process that was left is gone", interval=0.2)


# -- secrets ---------------------------------------------------------------------------------------------------------

HUNT = """
def main():
    found, seen = [], 0
    if SECRET in str(dict(os.environ)):
        found.append("environment")
    began = time.monotonic()
    for top in (os.path.dirname(PLACES["token"]), "/run", "/mnt", "/tmp", "/var/tmp", "/etc", "/opt", "/home", "/root", "/srv", "/proc/self", "/"):
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/usr", "/proc", "/sys", "/jail")]
            for name in files:
                path = os.path.join(folder, name)
                seen += 1
                try:
                    if os.path.isfile(path) and os.stat(path).st_size < 100000 and SECRET.encode() in read(path):
                        found.append(path)
                except OSError:
                    pass
            if time.monotonic() - began > 2.5:
                break
    for pid in range(1, 400):
        for name in ("environ", "cmdline", "root" + PLACES["token"], "cwd" + PLACES["token"]):
            try:
                if SECRET.encode() in read(f"/proc/{pid}/{name}"):
                    found.append(f"/proc/{pid}/{name}")
            except OSError:
                pass
    for way in (PLACES["token"], PLACES["folder"] + "/file"):
        for around in ("", "/proc/self/root", "/tmp/../../../../..", "/dev/fd/../../..", "../" * 20):
            try:
                if SECRET.encode() in read(around + way):
                    found.append(around + way)
            except OSError:
                pass
    return {"found": found, "looked": seen > 0}
"""


def test_no_secret_is_found(place):
    """Neither the service's environment, nor a file that was mounted for it, nor a folder where all may write."""
    assert place.result(HUNT)["found"] == []
    written = place.result("def main():\n    folder = PLACES['folder']\n    return [attempt(open, folder + '/new', 'w'),\n"
                           "            attempt(os.mkdir, folder + '/made'), attempt(os.link, 'script.py', folder + '/link'),\n"
                           "            attempt(os.symlink, 'x', folder + '/symlink'), attempt(os.rename, 'script.py', folder + '/moved')]\n")
    assert "done" not in written, written
    place.assert_untouched()


# -- other jobs ------------------------------------------------------------------------------------------------------

MEET = """
ME, OTHER = "mark of %(me)d here", "mark of %(other)d here"
def main():
    began, uid = time.time(), os.getuid()
    here = os.getcwd()
    os.chmod(here, 0o777)       # as a job would that wanted to be found
    kept = []
    for folder in (here, tempfile.gettempdir(), "/tmp", "/dev/shm", "/var/tmp"):
        try:
            with open(folder + "/" + ME, "w") as file:
                file.write(ME)
            os.chmod(folder + "/" + ME, 0o666)
            kept.append(folder)
        except OSError:
            pass
    files, processes, contents, signalled = set(), set(), set(), set()
    while time.time() < %(until)r:
        for top in {here, os.path.dirname(here), tempfile.gettempdir(), "/tmp", "/dev/shm", "/var/tmp", "/jail/tmp", "/run"} - {"/"}:
            for folder, folders, names in os.walk(top):
                files.update(folder + "/" + name for name in names + folders if OTHER in name)
                for name in names:
                    try:
                        if OTHER.encode() in read(folder + "/" + name) and name != "script.py":
                            contents.add(folder + "/" + name)
                    except OSError:
                        pass
        for uid_of in range(uid - 40, uid + 41):
            for folder in ("/tmp/%%d/job" %% uid_of, "/dev/shm/%%d/job" %% uid_of, "/jail/tmp/%%d/job" %% uid_of):
                if folder != here and attempt(os.listdir, folder) == "done" and OTHER in str(os.listdir(folder)):
                    files.add(folder)
        for pid in range(1, 500):
            if pid not in kin():
                for name in ("environ", "mem", "maps", "fdinfo/1", "cwd/" + OTHER):
                    if attempt(read, f"/proc/{pid}/{name}") == "done":
                        processes.add(f"{name} of {pid}")
                try:
                    if OTHER.encode() in read(f"/proc/{pid}/cmdline"):
                        processes.add(f"cmdline of {pid}")
                except OSError:
                    pass
                if attempt(os.kill, pid, 0) == "done":
                    signalled.add(pid)
        time.sleep(0.05)
    return {"files": sorted(files), "contents": sorted(contents), "processes": sorted(processes),
            "signalled": sorted(signalled), "uid": uid, "kept": len(kept), "in time": began < %(until)r - 0.3}
"""


def test_two_jobs_find_nothing_of_each_other(place, layers):
    """Each leaves its marks and looks for the other's: files, what processes hold, whom a signal reaches."""
    place.result("def main(): return 1")
    until = time.time() + 2
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(place.run, MEET % {"me": me, "other": 1 - me, "until": until}, Client(place.server)) for me in (0, 1)]
        answers = [job.result() for job in jobs]
    for answer in answers:
        assert answer.status == 200, repr(answer)
        got = answer.result
        assert got["in time"] and got["kept"] >= 1, f"they did not meet: {got}"
        assert got["files"] == got["contents"] == got["processes"] == got["signalled"] == [], got
    if ok(layers, "own_uid") and not ok(layers, "namespaces"):
        assert len({answer.result["uid"] for answer in answers}) == 2, "two jobs share a uid"


def test_the_next_job_finds_its_folders_empty(place):
    """Whatever a job leaves: files, folders that nobody may enter, links, a process that writes on."""
    litter = """
def main():
    done = []
    for folder in {os.getcwd(), tempfile.gettempdir(), "/tmp", "/dev/shm"}:
        try:
            for n in range(50):
                open(f"{folder}/left{n}", "w").write("left")
            os.makedirs(folder + "/deep/" + "x" * 200 + "/" + "y" * 200)
            os.symlink("/", folder + "/link")
            os.mkfifo(folder + "/fifo")
            os.chmod(folder + "/left1", 0)
            os.mkdir(folder + "/closed")
            open(folder + "/closed/file", "w").close()
            os.chmod(folder + "/closed", 0)
            done.append(folder)
        except OSError as e:
            done.append(str(e))
    return done
"""
    look = """
def main():
    found = {}
    for folder in {os.getcwd(), tempfile.gettempdir(), "/tmp", "/dev/shm"}:
        try:
            found[folder] = sorted(os.listdir(folder))
        except OSError:
            pass
    time.sleep(0.2)
    return [os.getcwd(), found]
"""
    for _ in range(4):
        assert place.result(litter)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for answer in pool.map(lambda _: place.run(look), range(3)):
                assert answer.status == 200, repr(answer)
                here, found = answer.result
                names = {name for folder, names in found.items() for name in names}
                assert here in found and names <= {"script.py"}, f"left by a job before: {found}"


# -- bombs -----------------------------------------------------------------------------------------------------------

BOMBS = {
    "memory": ("kept = []\n    while True:\n        kept.append(bytearray(1 << 20))\n", {"MEMORY_LIMIT"}),
    "memory of numpy": ("import numpy\n    kept = []\n    while True:\n        kept.append(numpy.ones(1 << 18))\n", {"MEMORY_LIMIT"}),
    "forks": ("while True:\n        try:\n            if os.fork() == 0:\n                os.setsid()\n        except OSError:\n            pass\n",
              {"TIMEOUT", "MEMORY_LIMIT"}),
    "threads": ("import threading\n    started = 0\n    try:\n        while True:\n"
                "            threading.Thread(target=time.sleep, args=(3,), daemon=True).start()\n            started += 1\n"
                "    except RuntimeError:\n        return started\n", None),
    "files": ("for n in range(1000):\n        with open(f'{os.getcwd()}/{n}', 'wb') as file:\n            file.write(bytes(1 << 20))\n",
              {"EXCEPTION", "MEMORY_LIMIT"}),
    # Where they are directories of a disk they are slow to make: the deadline may come first.
    "empty files": ("for n in range(10 ** 7):\n        open(f'{os.getcwd()}/{n}', 'w').close()\n        print(n, flush=True)\n",
                    {"EXCEPTION", "MEMORY_LIMIT", "TIMEOUT"}),
    "one file": ("with open('big', 'wb') as file:\n        while True:\n            file.write(bytes(1 << 16))\n", {"EXCEPTION"}),
    "output": ("while True:\n        os.write(1, b'x' * 65536)\n", {"TIMEOUT"}),
    "cpu": ("while True:\n        pass\n", {"TIMEOUT"}),
    "stopped": ("import signal\n    os.kill(os.getpid(), signal.SIGSTOP)\n    time.sleep(60)\n", {"TIMEOUT", "EXCEPTION"}),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_ends_and_the_neighbour_lives(bomb, place, layers):
    """The right code within the limits, while another client's scripts are answered, and nothing is left."""
    script, codes = BOMBS[bomb]
    stop, wrong, answered = threading.Event(), [], []

    def neighbour():
        client, number = Client(place.server, timeout=30), 0
        while not stop.is_set():
            number += 1
            answer = client.execute(f"def main():\n    print({number})\n    return [{number}] * 10\n")
            if answer.status != 200 or answer.result != [number] * 10 or answer.stdout != f"{number}\n":
                wrong.append(answer)
            answered.append(number)

    thread = threading.Thread(target=neighbour)
    thread.start()
    try:
        began = time.monotonic()
        answer = place.run(f"def main():\n    {script}")
        seconds = time.monotonic() - began
    finally:
        stop.set()
        thread.join()
    assert not wrong and answered, f"the neighbour got {wrong[:3]}"
    assert seconds < 4 + 5, f"{seconds:.1f} s"
    if codes is None and ok(layers, "one_process"):    # where one uid is all there is, memory alone bounds the threads
        assert answer.code == "MEMORY_LIMIT" or 0 < answer.result < 1000, repr(answer)
    elif codes is None:
        assert answer.status == 200 and 0 < answer.result <= 32, repr(answer)
    else:
        assert answer.code in codes, repr(answer)
    if bomb == "empty files" and not facts_of(place.server)["gvisor"]:      # which cannot count them (mounts.c)
        assert int(answer.stdout.split()[-1]) < 4 * (16 << 20) / 4096, "files are not counted"
    wait_until(lambda: not place.server.job_pids(), 5, "nothing of the bomb is left", interval=0.2)
    assert place.result("def main():\n    return sum(1 for n in range(10) if not open(f'{n}', 'wb').write(bytes(100000)) - 100000)") == 10


# -- many requests ---------------------------------------------------------------------------------------------------

MIXED = [
    ("def main():\n    return {n} + 1\n", lambda n: (200, n + 1, "")),
    ("def main():\n    print('out {n}')\n    return 'é{n}'\n", lambda n: (200, f"é{n}", f"out {n}\n")),
    ("import numpy as np\ndef main():\n    return np.arange({n} % 50).sum()\n", lambda n: (200, sum(range(n % 50)), "")),
    ("import pandas as pd\ndef main():\n    return pd.DataFrame({{'a': [{n}, 1]}})['a'].max()\n", lambda n: (200, max(n, 1), "")),
    ("def main():\n    print({n})\n    raise ValueError('no {n}')\n", lambda n: (400, "EXCEPTION", f"{n}\n")),
    ("def main(:\n", lambda n: (400, "SYNTAX_ERROR", None)),
    ("import os\ndef main():\n    print('before', {n}, flush=True)\n    os._exit({n} % 2)\n", lambda n: (400, "EMPTY_OUTPUT", f"before {n}\n")),
    ("import os\ndef main():\n    os.abort()\n", lambda n: (400, "CRASHED", "")),
    ("def main():\n    open('mine', 'w').write('{n}' * 1000)\n    return len(open('mine').read())\n", lambda n: (200, 1000 * len(str(n)), "")),
    ("def main():\n    return '{n}' * 20000\n", lambda n: (200, str(n) * 20000, "")),
]


def _leftovers(server):
    """(kinds of processes, files outside jobs, zombies) of the service, when no job runs."""
    if not IN_CONTAINER:
        return None
    seen = server.inside()
    # Each uid that was used has a folder, which is emptied and stays; there are as many as cells. Without uids each job
    # has a folder of a random name, and so has a child that waits for a job.
    assert all(sum(name.isdigit() for name in names) <= 64 for place, names in seen["files"].items() if "jail" in place)
    files = {place: sorted(re.sub("^job-[0-9a-f]{32}$", "job-", name) for name in names if not name.isdigit())
             for place, names in seen["files"].items()}
    names = {comm for _, (_, state, comm) in seen["processes"].items() if state != "Z"}
    zombies = [pid for pid, (_, state, _) in seen["processes"].items() if state == "Z"]
    return sorted(names), files, len(zombies)


def test_two_hundred_mixed_requests_from_four_clients(place):
    """Every answer is the right one for its request, and afterwards the container looks as before."""
    def ask(number):
        script, expected = MIXED[number % len(MIXED)]
        status, value, stdout = expected(number)
        answer = clients[number % 4].execute(script.format(n=number))
        got = answer.json()
        assert answer.status == status, repr(answer)
        assert (answer.result if status == 200 else answer.code) == value, f"request {number}: {answer!r}"
        assert stdout is None or got["stdout"] == stdout, f"request {number}: {answer!r}"
        return status

    clients = [Client(place.server) for _ in range(4)]
    wait_until(lambda: not place.server.job_pids(), 5, "no job runs", interval=0.2)
    before, identity = _leftovers(place.server), place.server.identity()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(ask, range(200)))
    assert len(statuses) == 200
    wait_until(lambda: not place.server.job_pids(), 5, "no job is left", interval=0.2)
    try:
        wait_until(lambda: _leftovers(place.server) == before, 10, "as before", interval=0.5)
    except AssertionError:
        assert _leftovers(place.server) == before, "the container does not look as before the load"
    assert place.server.identity() == identity, "a process of the service was restarted"


def test_a_client_that_leaves_stops_its_job(place):
    """... and the slot is free again."""
    impatient = Client(place.server, timeout=0.5)
    for _ in range(4):
        with pytest.raises(urllib3.exceptions.HTTPError):
            impatient.execute("import time\ndef main(): time.sleep(3.5)")
    wait_until(lambda: place.client.health()["jobs"]["running"] == 0, 2, "the jobs are stopped")
    wait_until(lambda: not place.server.job_pids(), 3, "their processes are gone", interval=0.2)


# -- life ------------------------------------------------------------------------------------------------------------


def _run(*arguments, settings=()):
    """The program with these arguments, to its end."""
    if not IN_CONTAINER:
        return run_once(*arguments, env=dict(settings))
    from container import run_image  # pylint: disable=import-outside-toplevel  # only there
    return run_image(*arguments, settings=settings)


def _health_command(server):
    """safe-exec --health, where the service runs."""
    if not IN_CONTAINER:
        return run_once("--health", env={"HOST": "127.0.0.1", "PORT": server.port})
    from container import PROGRAM  # pylint: disable=import-outside-toplevel  # only there
    return server.execute(PROGRAM, "--health")


def test_health_command(place):
    done = _health_command(place.server)
    assert done.returncode == 0, done
    done = _run("--health", settings={"PORT": "1"} if not IN_CONTAINER else {})
    assert done.returncode not in (0, 125, 126, 127), "nobody serves there"


def test_check_command(place):
    """--check says the same level as /health, and a bad setting is fatal in words."""
    done = _run("--check")
    assert done.returncode == 0, done
    assert f"isolation: {place.client.health()['isolation']['level']}\n" in done.stdout and "self-test: ok" in done.stdout
    done = _run("--check", settings={"MEM_LIMIT_MB": "abc"})
    assert done.returncode not in (0, 125, 126, 127) and "MEM_LIMIT_MB" in done.stderr + done.stdout


def test_isolation_strong_is_strong_or_refused(place):
    """ISOLATION=strong starts with no less."""
    done = _run("--check", settings={"ISOLATION": "strong"})
    if place.client.health()["isolation"]["level"] == "strong":
        assert done.returncode == 0 and "isolation: strong\n" in done.stdout
    else:
        assert done.returncode not in (0, 125, 126, 127) and "ISOLATION=strong: " in done.stderr + done.stdout, done


def test_sigterm_while_a_job_runs():
    """The service ends within 10 s with status 0, and the client whose script runs gets an answer or the end."""
    server = Server({**LIMITS, "TIME_LIMIT_SEC": "60"})
    if IN_CONTAINER:
        server.inside_port = 9123                  # PORT is honoured, too
    answers = []

    def ask(seconds):
        try:
            answers.append(Client(server, timeout=30).execute(f"import time\ndef main():\n    time.sleep({seconds})\n    return 'slept'\n"))
        except urllib3.exceptions.HTTPError as e:
            answers.append(e)

    with server:
        assert Client(server).health()["isolation"]["level"] in EXPECTED.split("|")
        assert _health_command(server).returncode == 0
        threads = [threading.Thread(target=ask, args=(seconds,)) for seconds in (1.5, 50)]
        for thread in threads:
            thread.start()
        wait_until(lambda: Client(server).health()["jobs"]["running"] == 2, 5, "both run")
        began = time.monotonic()
        server.stop(timeout=10)
        assert time.monotonic() - began < 10
        for thread in threads:
            thread.join(10)
    assert len(answers) == 2, "a client hangs"
    assert any(getattr(answer, "status", 0) == 200 and answer.result == "slept" for answer in answers), "the short job was cut"
    assert not any(getattr(answer, "status", 0) == 200 and answer.result != "slept" for answer in answers)
