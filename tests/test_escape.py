# SPDX-License-Identifier: MIT
"""Attacks: every script of tests/escape/ tries one forbidden thing and says how it was refused; bombs/ use things up.

The docstring of a script is its case: the claim, and behind it

    layers:   what stops it, for the reader (test_layers.py proves it)
    expect:   the result that main() must return, as JSON; "a|b" is either, the member "*" stands for all not named
    code:     for a bomb, the error code instead ("A|B" is either); details: some of its details
    within:   seconds until the answer; one more than TIME_LIMIT_SEC if it is not said
    settings: of the server, as JSON; runs: so often, one after the other; jobs: so many at the same time
    needs:    what it is about, with commas: NEEDS below; elsewhere it is skipped
    unsafe without: layers of the machine without which the script is not to be run

"expect standard" and "code standard" say what is promised at the level "standard" instead: members of an object replace
those of "expect"; "expect one process" and "code one process" do so after them, where a job is one process; then
"without proc", where a jail with mounts of its own has no /proc; then "chroot alone", where nothing but another root keeps
files away; then "gvisor", where the kernel is gVisor's, which has not all calls and limits of Linux.
A list of one string with "|" stands for a list that is not empty and holds nothing else.
"""

import ast
import ctypes
import glob
import json
import os
import platform
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import pytest
import urllib3

from harness.client import Client
from harness.facts import facts_of
from harness.server import ROOT, Server, descendants, processes, wait_until

ESCAPE = os.path.join(ROOT, "tests", "escape")
FIELDS = ("layers", "details", "within", "settings", "runs", "jobs", "needs", "unsafe without",
          *(what + kind for what in ("expect", "code")
            for kind in ("", " standard", " one process", " without proc", " chroot alone", " gvisor")))
SETTINGS = {"TIME_LIMIT_SEC": "2", "CPU_LIMIT_SEC": "10", "MEM_LIMIT_MB": "256", "MAX_CONCURRENCY": "2",
            "FSIZE_LIMIT_MB": "10", "NOFILE_LIMIT": "256", "NPROC_LIMIT": "64"}
# Newer than the libseccomp of Debian 12; these numbers are the same on every architecture.
NEW_CALLS = {"cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453, "futex_wake": 454, "futex_wait": 455,
             "futex_requeue": 456, "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459,
             "lsm_set_self_attr": 460, "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463,
             "getxattrat": 464, "open_tree_attr": 467}
NEEDS = {  # a word: when it holds, by facts_of(); why the script is skipped elsewhere
    "x86_64": (lambda facts: platform.machine() == "x86_64", "the machine code in it is for x86_64"),
    "cgroup": (lambda facts: facts["cgroup"], "no control group here, and only one counts what this attack uses"),
    "fair cpu": (lambda facts: facts["fair cpu"], "no control group here that shares the CPUs out by jobs"),
    "strong": (lambda facts: facts["level"] == "strong", "only namespaces and mounts of its own promise this"),
    "standard": (lambda facts: facts["level"] == "standard", "about a jail without namespaces"),
    "processes": (lambda facts: facts["processes"], "a job cannot make a second process here"),
    "one process": (lambda facts: not facts["processes"], "a job may make processes here"),
    "own uid": (lambda facts: facts["own uid"], "jobs have no uid on the machine that is theirs alone here"),
    "proc": (lambda facts: facts["proc"], "a job has no /proc here, and this is about what is in it"),
    "gvisor": (lambda facts: facts["gvisor"], "about what only gVisor allows"),
    "linux": (lambda facts: not facts["gvisor"], "gVisor does not bound this: README, Where it runs"),
}
# The uids of a service that starts as root: the third of a block and the rest are for jobs, the second is web's.
UIDS_OF_A_BLOCK = 64
NOT_VISIBLE = "the service's processes cannot be seen from the machine on this platform"
NAMESPACES = ("net", "pid", "ipc", "uts", "mnt", "user", "cgroup")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Attack:
    """One script below tests/escape/."""

    def __init__(self, path):
        self.name = os.path.relpath(path, ESCAPE)[:-len(".py")]
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        fields, current = {}, None
        for line in ast.get_docstring(ast.parse(self.text)).splitlines():
            name, colon, rest = line.partition(":")
            if colon and name in FIELDS:
                current, line = name, rest
            if current:
                fields[current] = fields.get(current, "") + line
        assert fields.get("layers"), f"{path} names no layers"
        assert ("expect" in fields) != ("code" in fields), f"{path} must expect a result or a code"
        self._fields = fields
        self.details = json.loads(fields.get("details", "{}"))
        self.settings = {**SETTINGS, **json.loads(fields.get("settings", "{}"))}
        self.within = float(fields.get("within", float(self.settings["TIME_LIMIT_SEC"]) + 1))
        self.runs, self.jobs = int(fields.get("runs", 1)), int(fields.get("jobs", 1))
        self.needs = {word.strip() for word in fields.get("needs", "").split(",")} - {""}
        assert self.needs <= set(NEEDS), f"{path} needs what nobody knows"
        self.unsafe_without = {word.strip() for word in fields.get("unsafe without", "").split(",")} - {""}

    @property
    def is_bomb(self):
        return self.name.startswith("bombs/")

    def promise(self, facts):
        """(expected result, None) or (None, error code) at this level."""
        strong = facts["level"] == "strong"
        kinds = [""] + [" standard"] * (not strong) + [" one process"] * (not facts["processes"])
        kinds += [" without proc"] * (strong and not facts["proc"])
        kinds += [" chroot alone"] * (facts["chroot"] and not facts["landlock"]) + [" gvisor"] * facts["gvisor"]
        expect, code = None, None
        for kind in kinds:
            if "code" + kind in self._fields:
                expect, code = None, self._fields["code" + kind].strip()
            elif "expect" + kind in self._fields:
                here = json.loads(self._fields["expect" + kind])
                expect, code = {**expect, **here} if isinstance(expect, dict) else here, None
        return expect, code

    def reason_to_skip(self, facts):
        """Why it says nothing here, or None."""
        return next((NEEDS[word][1] for word in sorted(self.needs) if not NEEDS[word][0](facts)), None)


ATTACKS = [Attack(path) for path in sorted(glob.glob(ESCAPE + "/*.py") + glob.glob(ESCAPE + "/bombs/*.py"))
           if os.path.basename(path) != "toolbox.py"]
with open(os.path.join(ESCAPE, "toolbox.py"), encoding="utf-8") as _file:
    TOOLBOX = _file.read()


# -- what the scripts are given ------------------------------------------------------------------------------


def _policy():
    """(names that are allowed in some way, {refused name: errno}) of policy/seccomp.json for this machine."""
    with open(os.path.join(ROOT, "policy", "seccomp.json"), encoding="utf-8") as file:
        policy = json.load(file)
    here = ARCHITECTURES[platform.machine()]
    known, refused = set(), {}
    for entry in policy["syscalls"]:
        if here not in entry.get("includes", {}).get("arches", [here]):
            continue
        known.update(entry["names"])
        if entry["action"] == "SCMP_ACT_ERRNO" and not entry.get("args"):
            refused.update((name, entry.get("errnoRet", 1)) for name in entry["names"])
    return known, refused


def _numbers(names):
    """System call numbers of this machine, by the library that the service uses."""
    library = ctypes.CDLL("libseccomp.so.2")
    numbers = {name: library.seccomp_syscall_resolve_name(name.encode()) for name in names}
    numbers.update(NEW_CALLS)
    return {name: number for name, number in numbers.items() if number >= 0}


def _environment():
    with open(os.path.join(ROOT, "policy", "environment.conf"), encoding="utf-8") as file:
        lines = [line.split("#")[0].split(None, 2) for line in file]
    return {words[1]: words[2].strip() for words in lines if words and words[0] == "set"}


def _namespaces(name, server):
    """Those that a job must not be in: the machine's, and where it may be asked for, the spawner's."""
    found = [os.readlink("/proc/self/ns/" + name)]
    if os.getuid() == 0 and server.visible:     # it steps into the network of a cell for the moment of a clone: look more than once
        seen = [os.readlink(f"/proc/{server.pid}/ns/{name}") for _ in range(9) if time.sleep(0.001) is None]
        found.append(max(seen, key=seen.count))
    return found


# Makes the places that it can, with what belongs into them, and says which.
_MAKE = """
import json, os, sys
made = []
for place in json.loads(sys.argv[1]):
    try:
        os.mkdir(place, 0o755)
    except OSError:
        continue
    os.chmod(place, 0o755)
    for name, mode in (("canary", 0o666), ("owned", 0o600)):
        with open(f"{place}/{name}", "w") as file:
            file.write(name)
        os.chmod(f"{place}/{name}", mode)
    made.append(place)
print(json.dumps(made))
"""
_SET_UID = """
import os, sys
modes = [entry.stat().st_mode for entry in os.scandir(sys.argv[1]) if os.path.exists(entry.path)]
print(sum(mode & 0o6000 != 0 and mode & 1 != 0 for mode in modes))
"""


def _has_set_uid_programs(server):
    """Whether there are any in the /usr/bin of jobs."""
    if not hasattr(server, "set_uid_programs"):
        place = "/jail/usr/bin" if facts_of(server)["chroot"] else "/usr/bin"
        done = server.execute("/usr/bin/python3", "-IS", "-c", _SET_UID, place)
        assert done.returncode == 0, done.stderr
        server.set_uid_programs = int(done.stdout) > 0
    return server.set_uid_programs


class Machine:
    """What the test makes on the machine for scripts to look for, and what it knows of it."""

    def __init__(self):
        self._places, self.canaries = [], []
        for place in ("/tmp", "/var/tmp", "/dev/shm"):
            if os.access(place, os.W_OK):
                directory = tempfile.mkdtemp(prefix="escape-", dir=place)
                os.chmod(directory, 0o755)
                path = os.path.join(directory, "canary")
                with open(path, "w", encoding="utf-8") as file:
                    file.write("canary")
                os.chmod(path, 0o666)
                self._places.append(directory)
                self.canaries.append(path)
        self.owned = os.path.join(self._places[0], "owned")     # by the user that started the service
        with open(self.owned, "w", encoding="utf-8") as file:
            file.write("owned")
        os.chmod(self.owned, 0o600)
        self.canaries.append("/etc/hostname" if os.path.exists("/etc/hostname") else "/etc/hosts")
        self._inside, self._turn = {}, threading.Lock()     # of a container: (canaries, owned) that were made there
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.unix_path = os.path.join(self._places[0], "socket")
        self.unix, self.abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.unix.bind(self.unix_path)
        os.chmod(self.unix_path, 0o666)
        self.unix.listen(1)
        self.abstract_name = f"\0escape-{os.getpid()}"
        self.abstract.bind(self.abstract_name)
        for listener in (self.tcp, self.unix, self.abstract):
            listener.setblocking(False)
        known, refused = _policy()
        self.numbers = _numbers(known)
        named = {self.numbers[name] for name in known if name in self.numbers}
        self.refused = {name: error for name, error in refused.items() if name in self.numbers}
        # Linux leaves uretprobe and uprobe to no filter (seccomp(2)); called by hand they are SIGILL.
        named |= {335, 336} if platform.machine() == "x86_64" else set()
        self.unlisted = [number for number in range(1024) if number not in named]

    def given(self, server, settings, job=0):
        """GIVEN of a script that runs on this server."""
        canaries, owned = self.canaries, self.owned
        if server.contained:
            canaries, owned = self._made_inside(server)
        elif os.getuid() == 0:
            os.chown(self.owned, _uid(server.pid), -1)
        return {**facts_of(server), "numbers": self.numbers, "refused": self.refused, "unlisted": self.unlisted, "job": job,
                "canaries": canaries, "owned": owned, "set-uid programs": _has_set_uid_programs(server),
                "tcp_port": self.tcp.getsockname()[1], "unix_path": self.unix_path, "abstract": self.abstract_name,
                "environment": _environment(),
                "limits": {"CPU_LIMIT_SEC": int(settings["CPU_LIMIT_SEC"]),
                           "FSIZE_LIMIT_MB": int(settings["FSIZE_LIMIT_MB"]) << 20,
                           "NOFILE_LIMIT": int(settings["NOFILE_LIMIT"]), "NPROC_LIMIT": int(settings["NPROC_LIMIT"])},
                "namespaces": {name: _namespaces(name, server) for name in NAMESPACES},
                "host_words": [ROOT, "/home", "/root/", "overlay2", "upperdir", os.path.basename(self._places[0])],
                "own_paths": [ROOT, server.program, os.path.dirname(server.program), os.path.join(ROOT, "src"),
                              os.path.join(ROOT, "runner", "runner.py"), os.getcwd()],
                "pids": server.pids_to_attack() + ([os.getpid(), os.getppid()] if server.visible else []),
                "until": time.time() + 1.2}

    def _made_inside(self, server):
        """(canaries, owned): the same files in a container, where they can be made there, by the user that it runs as."""
        with self._turn:
            if server.started not in self._inside:
                done = server.execute("/usr/bin/python3", "-IS", "-c", _MAKE, json.dumps(self._places))
                assert done.returncode == 0, f"no files can be made in the container: {done.stderr}"
                made = json.loads(done.stdout)
                assert made, "a container without a place to write to"
                canaries = [f"{place}/canary" for place in made] + self.canaries[-1:]
                self._inside[server.started] = (canaries, made[0] + "/owned")
            return self._inside[server.started]

    def assert_untouched_inside(self, server):
        """Nobody wrote the files that were made in the container."""
        canaries, _ = self._made_inside(server)
        done = server.execute("/usr/bin/python3", "-IS", "-c", "import sys; print(*(open(p).read() for p in sys.argv[1:]))",
                              *canaries[:-1])
        assert done.stdout.split() == ["canary"] * (len(canaries) - 1), f"a script wrote {canaries}: {done}"

    def assert_untouched(self):
        """Nobody connected, nobody wrote."""
        for listener in (self.tcp, self.unix):
            with pytest.raises(BlockingIOError):
                listener.accept()
        with pytest.raises(BlockingIOError):
            self.abstract.recv(1)
        for path in self.canaries[:-1]:
            with open(path, encoding="utf-8") as file:
                assert file.read() == "canary", f"a script wrote {path}"

    def close(self):
        for listener in (self.tcp, self.unix, self.abstract):
            listener.close()
        for place in self._places:
            shutil.rmtree(place)


# -- running and comparing -----------------------------------------------------------------------------------


def same(wanted, got):
    """Whether a value is as expected: see the head of this file."""
    if isinstance(wanted, dict):
        if not isinstance(got, dict):
            return False
        rest = set(got) - set(wanted)
        named = all(name in got and same(value, got[name]) for name, value in wanted.items() if name != "*")
        if "*" not in wanted:
            return named and not rest
        return named and bool(rest) and all(same(wanted["*"], got[name]) for name in rest)
    if isinstance(wanted, list) and len(wanted) == 1 and isinstance(wanted[0], str) and "|" in wanted[0]:
        return isinstance(got, list) and bool(got) and all(same(wanted[0], item) for item in got)
    if isinstance(wanted, str) and "|" in wanted:
        return got in wanted.split("|")
    return type(wanted) is type(got) and wanted == got


def differences(wanted, got):
    """Only what is not as expected, for the failure's text."""
    if not (isinstance(wanted, dict) and isinstance(got, dict)):
        return {"wanted": wanted, "got": got}
    return {name: {"wanted": wanted.get(name, wanted.get("*", "no such member")), "got": got.get(name, "missing")}
            for name in {*wanted, *got} - {"*"}
            if not (name in got and same(wanted.get(name, wanted.get("*")), got[name]))}


def _execute(attack, server, machine, jobs):
    """[(answer or None, seconds)] of so many jobs at once."""
    answers = []

    def one(job):
        given = machine.given(server, attack.settings, job)
        script = f"{attack.text}\n\nGIVEN = {given!r}\n{TOOLBOX}\n"
        began = time.monotonic()
        try:
            answer = Client(server, timeout=attack.within + 8).execute(script)
        except urllib3.exceptions.HTTPError:
            answer = None
        answers.append((answer, time.monotonic() - began))

    threads = [threading.Thread(target=one, args=(job,)) for job in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == jobs
    return answers


def problem_of(attack, server, machine):
    """Runs an attack: what is not as expected, or None."""
    expect, code = attack.promise(facts_of(server))
    for run in range(attack.runs):
        for answer, seconds in _execute(attack, server, machine, attack.jobs):
            where = f"run {run + 1}: " if attack.runs > 1 else ""
            if answer is None:
                return f"{where}no answer within {seconds:.1f} s"
            if code and answer.code not in code.split("|"):
                return f"{where}wanted {code}, got {answer!r}"
            if code and not attack.details.items() <= answer.details.items():
                return f"{where}details: wanted {attack.details}, got {answer.details}"
            if not code and answer.status != 200:
                return f"{where}the script failed: {answer!r}"
            if not code and not same(expect, answer.result):
                return f"{where}{json.dumps(differences(expect, answer.result))}"
            if seconds > attack.within:
                return f"{where}answered after {seconds:.2f} s, not within {attack.within} s"
    return None


@pytest.fixture(scope="module")
def machine():
    made = Machine()
    yield made
    made.assert_untouched()
    made.close()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_escape(attack, fleet, machine):
    server = fleet.server(attack.settings)
    if attack.reason_to_skip(facts_of(server)):
        pytest.skip(attack.reason_to_skip(facts_of(server)))
    identity = server.identity()
    problem = problem_of(attack, server, machine)
    assert problem is None, problem
    wait_until(lambda: not job_pids(server), 3, "every process of the job is gone")
    assert Client(server).result("def main(): return 'next'") == "next"
    assert server.identity() == identity, "a process of the service was restarted"
    machine.assert_untouched()
    if server.contained and ('"canaries"' in attack.text or '"owned"' in attack.text):
        machine.assert_untouched_inside(server)


# -- what is better seen from outside ------------------------------------------------------------------------

def _uid(pid):
    return int(_status(pid).get("Uid", "0").split()[0])


def _from_root(server):
    """Whether the service was started as root: here, or as process 1 of its container."""
    return not os.environ.get("SAFE_EXEC_TEST_USER") and (not server.contained or _uid(server.pid) == 0)


def _pid_namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def uids_of_jobs(server):
    """Where each job has a uid of its own: all that this service may give them (see include/jail.h)."""
    first = _uid(server.web_pid()) + 1
    return range(first, first + UIDS_OF_A_BLOCK - 2)


def job_pids(server):
    """
    Every process of jobs, their inits too. Without namespaces: by uid, wherever it has gone and whatever its name; or
    below the service, where a job is one process. What waits for a job, a child of a template, is none.
    """
    facts = facts_of(server)
    if facts["level"] == "strong" or not server.visible:
        return server.job_pids()
    table, templates = processes(), set(server.template_pids())
    if facts["own uid"]:
        uids = uids_of_jobs(server)
        space = _pid_namespace(server.pid)      # in a container on this machine the same uids may be somebody else's
        found = [pid for pid, (_, state, _) in table.items()
                 if state != "Z" and _uid(pid) in uids and _pid_namespace(pid) == space]
    else:
        found = set(descendants(server.pid)) - {server.web_pid()} - templates
    idle = {(parent, "safe-exec-wait") for parent in templates} | {(parent, "safe-exec-warm") for parent in templates}
    idle.add((server.pid, "safe-exec"))     # it looks into the directories of a job, or is becoming one
    return sorted(pid for pid in found if pid in table and (table[pid][0], table[pid][2]) not in idle)


_WAIT = "import time\ndef main():\n    time.sleep(1.2)\n    return 'waited'\n"


def _while_running(server, script, look):
    """Runs a script and calls look([pid of init, pid of Python]) meanwhile, without init at the level "standard"."""
    answers, count = [], 2 if facts_of(server)["level"] == "strong" else 1
    thread = threading.Thread(target=lambda: answers.append(Client(server).execute(script)))
    if not server.visible:
        pytest.skip(NOT_VISIBLE)
    wait_until(lambda: not job_pids(server), 5, "the job before is gone")
    thread.start()
    try:
        pids = wait_until(lambda: job_pids(server) if len(job_pids(server)) >= count else None, 5, "a job runs")
        wait_until(lambda: all(_status(pid).get("Seccomp") == "2" for pid in pids), 5, "the job is in its jail")
        look(pids)
    finally:
        thread.join()
    return answers[0]


def _kinds(pid):
    """What the descriptors of a process are."""
    return sorted(os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0] for fd in os.listdir(f"/proc/{pid}/fd"))


def _status(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            return dict((part.strip() for part in line.split(":", 1)) for line in file)
    except OSError:
        return {}


def _powers(server, status):
    """{set: capabilities} that are not empty. The bounding set can only be emptied by root, or in a namespace."""
    names = ["CapInh", "CapPrm", "CapEff", "CapAmb"] + ["CapBnd"] * facts_of(server)["processes"]
    return {name: status[name] for name in names if int(status[name], 16) != 0}


@pytest.mark.skipif(os.getuid() != 0, reason="only root may look into other users' processes")
def test_a_job_seen_from_outside(fleet):
    """
    All processes of a job: no root uid, no capability, filtered, few descriptors; in namespaces of their own, or at the
    level "standard" in a directory of its own.
    """
    server = fleet.server(SETTINGS)
    from_root = _from_root(server)
    strong = facts_of(server)["level"] == "strong"
    uids = set()

    def look(pids):
        for pid in pids:
            status = _status(pid)
            uids.add(status["Uid"].split()[0])
            assert len(set(status["Uid"].split())) == 1 and status["Uid"].split()[0] != "0"
            assert not status["Groups"] or not from_root
            assert _powers(server, status) == {}
            assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
            for name in NAMESPACES if strong else ():
                own = os.readlink(f"/proc/{pid}/ns/{name}")
                assert own != os.readlink(f"/proc/self/ns/{name}"), f"{name} is the machine's"
                assert own != os.readlink(f"/proc/{server.pid}/ns/{name}"), f"{name} is the spawner's"
            wanted = ["socket"] if strong and pid == min(pids) else ["/dev/null", "pipe", "pipe", "pipe"]
            if facts_of(server)["chroot"]:
                wanted = [kind.replace("/dev", "/jail/dev") for kind in wanted]
            wait_until(lambda p=pid, w=wanted: _kinds(p) == w, 1, f"{wanted} is all it holds: {_kinds(pid)}")
            place = os.path.realpath(f"/proc/{pid}/cwd")
            if strong:
                assert place in ("/", "/tmp")
            else:
                info = os.stat(f"/proc/{pid}/cwd")
                assert info.st_uid == _uid(pid) and info.st_mode & 0o7777 == 0o700, f"{place} is not the job's alone"

    assert _while_running(server, _WAIT, look).result == "waited"
    assert len(uids) == 1
    if from_root:
        assert 60601 <= int(uids.pop()) < 65534


@pytest.mark.skipif(os.getuid() != 0, reason="only root may look into other users' processes")
def test_two_jobs_have_two_uids(fleet):
    server = fleet.server(SETTINGS)
    if not server.visible:
        pytest.skip(NOT_VISIBLE)
    if not _from_root(server):
        pytest.skip("an ordinary user has one uid")
    count = 4 if facts_of(server)["level"] == "strong" else 2       # each with an init, or without
    threads = [threading.Thread(target=lambda: Client(server).execute(_WAIT)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        uids = wait_until(lambda: {_status(pid).get("Uid", "0").split()[0] for pid in job_pids(server)} - {"0"}
                          if len(job_pids(server)) == count else None, 5, "two jobs run")
        wait_until(lambda: len({_status(pid).get("Uid", "0").split()[0] for pid in job_pids(server)} - {"0"}) == 2, 3,
                   f"two uids, saw {uids}")
    finally:
        for thread in threads:
            thread.join()


NICE = """
import os, threading, time
def main():
    found = []
    def look():
        time.sleep(1.5)
        found.append(os.getpriority(os.PRIO_PROCESS, 0))
    threads = [threading.Thread(target=look) for _ in range({threads})]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    for _ in range({processes}):
        if os.fork() == 0:
            time.sleep(1.5)
            os._exit(os.getpriority(os.PRIO_PROCESS, 0))
    return found + [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range({processes})]
"""


@pytest.mark.parametrize("threads, processes", [(3, 0), (20, 0), (0, 20)])
def test_many_are_nice_where_no_group_shares_the_cpus(threads, processes, fleet):
    """So that ten weigh about as much as one; bombs/cpu-of-many looks at the effect of groups."""
    server = fleet.server({**SETTINGS, "TIME_LIMIT_SEC": "10"})
    facts = facts_of(server)
    if facts["gvisor"] or processes and not facts["processes"]:
        pytest.skip("gVisor does not keep a nice value, or a job has no second process here")
    found = Client(server).result(NICE.format(threads=threads, processes=processes))
    assert len(found) == threads + processes
    if facts["fair cpu"] or threads == 3:
        assert set(found) == {0}
    else:
        assert set(found) == {10}


@pytest.mark.skipif(os.getuid() != 0, reason="only root may look into other users' processes")
def test_web_has_no_power(fleet):
    """
    The process that reads strangers' bytes: filtered, without capability, in an empty root, and not to be traced. An
    ordinary user cannot change the root without a namespace: there Landlock shuts every file away, unseen from here.
    """
    server = fleet.server(SETTINGS)
    status = _status(server.web_pid())
    assert status["Uid"].split()[0] != "0" and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert _powers(server, status) == {}
    assert status["Threads"] == "1"
    if facts_of(server)["processes"]:
        assert os.listdir(f"/proc/{server.web_pid()}/root") == [], "web sees files"
    if not os.environ.get("SAFE_EXEC_TEST_USER"):
        assert _may_trace(server.web_pid(), 65534) is False


def _may_trace(pid, uid):
    """Whether another user may read the process's memory."""
    done = subprocess.run(["cat", f"/proc/{pid}/environ"], user=uid, group=uid, extra_groups=[], capture_output=True,
                          check=False)
    return done.returncode == 0


# CHOWN, KILL, SETGID, SETUID, SETPCAP, SYS_CHROOT: bits of capabilities(7).
_SPAWNER_CAPABILITIES = 1 << 0 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 18


@pytest.mark.skipif(os.getuid() != 0, reason="only root may look into other users' processes")
def test_the_spawner_has_left_the_machine(fleet):
    """
    The privileged process has no path to the machine's files but /proc. At the level "standard" it stays where it is, and
    has only the capabilities with which it makes, enters and kills jobs (plain.c): no file is open to it by them.
    """
    server = fleet.server(SETTINGS)
    if facts_of(server)["level"] == "strong":
        assert set(os.listdir(f"/proc/{server.pid}/root")) <= {"proc", "jail", "empty", "stage"}
    else:
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if facts_of(server)["own uid"] else ("CapEff",):
            assert int(_status(server.pid)[name], 16) & ~_SPAWNER_CAPABILITIES == 0, f"{name} is more than it needs"
    assert _status(server.pid)["NoNewPrivs"] == "1" and _status(server.pid)["Threads"] == "1"


def test_every_process_of_ours_has_one_thread(fleet):
    """No lock and no race between threads, since there are none: nothing for a thread sanitizer to find (lint forbids them)."""
    server = fleet.server(SETTINGS)
    names = ("safe-exec-web", "safe-exec-warm", "safe-exec-wait", "safe-exec-init")

    def look(_pids):
        ours = {name: server.children(name) for name in names}
        assert ours["safe-exec-web"] and (ours["safe-exec-init"] or facts_of(server)["level"] != "strong")
        assert ours["safe-exec-warm"] or Client(server).health()["start"] == "cold"
        for pid in [server.pid, *(pid for pids in ours.values() for pid in pids)]:
            assert _status(pid).get("Threads", "1") == "1", _status(pid)       # one that waited may have ended

    assert _while_running(server, _WAIT, look).result == "waited"


def test_kill_everybody_spares_the_other_job(fleet, machine):
    """While one job sends SIGKILL to all that it can reach, another one goes on."""
    server = fleet.server(SETTINGS)
    name = "kill-everybody" if facts_of(server)["processes"] else "one-process"
    attack = next(attack for attack in ATTACKS if attack.name == name)

    def look(_pids):
        problem = problem_of(attack, server, machine)
        assert problem is None, problem

    assert _while_running(server, _WAIT, look).result == "waited"


def test_a_dead_spawner_takes_its_jobs_along():
    """
    SIGKILL to the service leaves no job, template or web behind. Without namespaces that holds for the job itself: what
    it has forked dies at the latest when the next service takes over its uids.
    """
    server = Server(SETTINGS).start()
    killed = []
    try:
        assert server.pid           # or it is skipped here, where nothing of it is to be seen
        count = 2 if facts_of(server)["level"] == "strong" else 1
        thread = threading.Thread(target=lambda: _ignore_errors(server, "import time\ndef main(): time.sleep(40)\n"))
        thread.start()
        pids = wait_until(lambda: job_pids(server) if len(job_pids(server)) >= count else None, 5, "a job runs")
        killed.extend([*pids, server.web_pid(), *server.template_pids(), *server.waiting_pids()])
        os.kill(server.pid, 9)
        server.process.wait()
        # The job sleeps longer: with nobody left to watch its deadline it would not end by itself.
        wait_until(lambda: not _running_of(killed), 5, f"nothing of the service is left: {killed}")
        thread.join()
    finally:
        for pid in _running_of(killed):
            os.kill(pid, 9)
        server.kill()


def test_the_next_service_ends_what_a_dead_one_left():
    """A process that left its session and its parent outlives the service's SIGKILL, but not the next start."""
    assert any(_next_service_has_the_uids() for _ in range(3)), "another service had taken the uids, three times"


def _next_service_has_the_uids():
    """What the test says; False: a service of another suite, which runs beside this one, was quicker."""
    server = Server(SETTINGS).start()
    try:
        if not facts_of(server)["own uid"]:
            pytest.skip(NEEDS["own uid"][1])
        if server.contained:
            pytest.skip("a container ends with its service, and everything in it: test_a_dead_spawner_takes_its_jobs_along")
        uids = uids_of_jobs(server)
        thread = threading.Thread(target=lambda: _ignore_errors(server, _DETACHED.replace("WAIT", "time.sleep(1.9)")))
        thread.start()
        wait_until(lambda: len([pid for pid in job_pids(server) if _parent(pid) in (server.pid, 1)]) == 1, 5, "it is detached")
        os.kill(server.pid, 9)
        server.process.wait()
        thread.join()
        with Server(SETTINGS) as after:
            if uids_of_jobs(after) != uids:
                return False
            seen = set()
            for _ in range(12):         # a job in each cell
                seen.add(Client(after).result("import os\ndef main(): return os.getuid(), os.listdir()")[1][0])
            assert seen == {"script.py"}
            wait_until(lambda: not job_pids(after), 3, "nobody else has the uid of a job")
        return True
    finally:
        server.kill()


_DETACHED = """
import ctypes, os, signal, time
def main():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(15, b"safe-exec-wait", 0, 0, 0)
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            os.closerange(0, 64)
            time.sleep(40)
        os._exit(0)
    os.wait()
    WAIT
    return "answered"
"""


def test_who_detaches_and_hides_is_gone_after_the_answer(fleet):
    """A process with another name, session and parent, no descriptors and all signals blocked ends with its job."""
    server = fleet.server(SETTINGS)
    if not facts_of(server)["processes"]:
        pytest.skip(NEEDS["processes"][1])
    before = set(descendants(server.pid))
    assert Client(server).result(_DETACHED.replace("WAIT", "time.sleep(0.3)")) == "answered"
    wait_until(lambda: not job_pids(server), 2, "no process of the job is left")
    own = {"safe-exec-init", "safe-exec-wait", "safe-exec-warm", "safe-exec"}
    wait_until(lambda: set(descendants(server.pid)) - before <=
               {pid for pid, (_, _, name) in processes().items() if name in own}, 2, "only our own processes are new")


def _parent(pid):
    return processes().get(pid, (0,))[0]


def _running_of(pids):
    """Those that still run: a zombie does not."""
    return [pid for pid in pids if _status(pid).get("State", "Z").startswith(("R", "S", "D"))]


def test_a_job_that_shuts_its_own_directory_harms_nobody():
    """A directory that its owner cannot enter is removed like any other: no cell is lost, whatever the number of such jobs."""
    with Server({**SETTINGS, "POOL_SIZE": "1"}) as server:
        if facts_of(server)["level"] == "strong":
            pytest.skip(NEEDS["standard"][1])
        places = set()
        script = ("import os\ndef main():\n    own = [os.getcwd(), f'/dev/shm/{os.getuid()}/job']\n    print(*own, flush=True)\n"
                  "    for place in own:\n        if os.path.isdir(place):\n            os.chmod(place, 0)\n")
        try:
            for run in range(30):
                answer = Client(server).execute(script)
                places.update(answer.stdout.split())
                assert answer.status == 200, f"after {run} such jobs: {answer!r}"
            wait_until(lambda: "cannot be emptied" in server.log() or not any(map(_is_shut, places)), 3, "they are swept away")
            assert "cannot be emptied" not in server.log()
        except AssertionError:
            server.kill()       # with a cell out of use it might not end by itself
            raise
        finally:
            for place in filter(_is_shut, places):      # or no service could ever use the name again
                os.chmod(place, 0o700)


def _is_shut(place):
    try:
        return os.stat(place).st_mode & 0o777 == 0
    except FileNotFoundError:           # it is being removed while this looks
        return False


def test_a_job_that_leaves_shared_memory_alone_harms_nobody():
    """Its working directory is empty, so that it could go at once, and the other one not: no cell is lost by that either."""
    script = ("import os\ndef main():\n    for name in os.listdir('.'):\n        os.unlink(name)\n"
              "    own = f'/dev/shm/{os.getuid()}/job'\n    print(own, flush=True)\n"
              "    with open(own + '/left', 'wb') as file:\n        file.write(b'x' * 1000)\n")
    with Server({**SETTINGS, "POOL_SIZE": "1", "TIME_LIMIT_SEC": "10"}) as server:
        if not facts_of(server)["own uid"]:
            pytest.skip(NEEDS["own uid"][1])
        places = set()
        try:
            for run in range(60):
                answer = Client(server).execute(script)
                places.update(answer.stdout.split())
                assert answer.status == 200, f"after {run} such jobs: {answer!r}"
            left = [place + "/left" for place in places]        # a child that waits in the same cell has such a directory, too
            wait_until(lambda: "cannot be emptied" in server.log() or not any(map(os.path.exists, left)), 3,
                       "what they left is swept away")
            assert "cannot be emptied" not in server.log()
        except AssertionError:
            server.kill()
            raise
        finally:
            for place in filter(os.path.exists, places):    # outside a container: of a service that was killed
                shutil.rmtree(place)
                os.rmdir(os.path.dirname(place))


# What is planted goes into every directory that the job has; BEFORE looks what is there first.
_PLANT = """
import json, os
def plant(place, canary):
    os.chdir(place)
    deep = os.open(".", os.O_RDONLY)
    for n in range(2000):
        name = ("d" * 200 + str(n))[:255] if n % 100 else "e" * 255
        os.mkdir(name, 0o700, dir_fd=deep)
        deeper = os.open(name, os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = deeper
    os.close(deep)
    os.mkdir("closed")
    os.mkdir("closed/inner")
    open("closed/inner/file", "w").close()
    os.chmod("closed/inner", 0)
    os.chmod("closed", 0)
    for n, target in enumerate((canary, os.path.dirname(canary), "/", "..", ".", "../..", "loop7", "/etc/passwd")):
        os.symlink(target, f"loop{n}")
    os.mkfifo("pipe")
    open("file", "w").close()
    for n in range(50):
        os.link("file", f"hard{n}")
    os.mkdir("wide")
    for n in range(FILES):
        os.close(os.open(f"wide/{n}", os.O_CREAT | os.O_WRONLY))
    for name in (chr(10), " ", "-rf", "*", "...", chr(127), "$(id)"):
        os.mkdir(name)

def main():
    places = [os.getcwd()] + [p for p in (f"/dev/shm/{os.getuid()}/job",) if os.path.isdir(p)]
    found = [sorted(os.listdir(p)) for p in places]
    modes = sorted({oct(os.stat(p).st_mode & 0o7777) for p in places})
    before = [os.getuid(), found, modes]
    print(json.dumps(before), flush=True)   # it comes back even if the job is ended for what follows
    if PLANTS:
        for place in places:
            plant(place, CANARY)
"""


def test_what_is_planted_is_swept_away(fleet, machine):
    """
    Links, pipes, two thousand levels, long names, closed directories and many files are gone after the job, nothing that
    they point to is touched, and the next job with the same uid, or in the same place, sees an empty directory.
    """
    server = fleet.server({**SETTINGS, "MAX_CONCURRENCY": "1", "POOL_SIZE": "0", "TIME_LIMIT_SEC": "15",
                           "TMP_LIMIT_MB": "512"})
    facts = facts_of(server)
    if facts["level"] == "strong":
        pytest.skip(NEEDS["standard"][1])

    def run(plants, files):
        head = f"CANARY, PLANTS, FILES = {machine.canaries[0]!r}, {plants}, {files}\n"
        answer = Client(server, timeout=30).execute(head + _PLANT)
        # A tree of that depth may be "too much to measure"; swept away it is all the same.
        assert answer.code in (None, "MEMORY_LIMIT"), repr(answer)
        return json.loads(answer.stdout)

    clean = {1: [["script.py"]], 2: [["script.py"], []]}
    seen = []
    many = 3000 if facts["gvisor"] else 100000      # there the time would be up before
    for plants, files in [(True, many)] + [(True, 300)] * 4 + [(False, 0)] * 4:
        before = run(plants, files)
        seen.append(before[0])
        assert before[1] == clean[len(before[1])], "something is left of the job before"
        assert before[2] == ["0o700"], "the mode of the directory is left of the job before"
    if facts["own uid"]:
        assert len(seen) > len(set(seen)), "no cell was used twice: the test says nothing"
    machine.assert_untouched()
    wait_until(lambda: not job_pids(server), 5, "the helpers are gone")
    assert "cannot be emptied" not in server.log()


def _ignore_errors(server, script):
    try:
        Client(server).execute(script)
    except Exception:  # pylint: disable=broad-except  # the answer never comes
        pass
