# SPDX-License-Identifier: MIT
"""Attacks: every script of tests/escape/ tries one forbidden thing and says how it was refused; bombs/ use things up.

The docstring of a script is its case: the claim, and behind it

    layers:   what stops it, for the reader (test_layers.py proves it)
    expect:   the result that main() must return, as JSON; "a|b" is either, the member "*" stands for all not named
    code:     for a bomb, the error code instead ("A|B" is either); details: some of its details
    within:   seconds until the answer
    settings: of the server, as JSON; runs: so often, one after the other; jobs: so many at the same time
    needs:    a machine, or a control group; unsafe without: layers of the machine without which the script is not to be run
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
from harness.server import ROOT, Server, descendants, wait_until

ESCAPE = os.path.join(ROOT, "tests", "escape")
FIELDS = ("layers", "expect", "code", "details", "within", "settings", "runs", "jobs", "needs", "unsafe without")
SETTINGS = {"TIME_LIMIT_SEC": "2", "CPU_LIMIT_SEC": "10", "MEM_LIMIT_MB": "256", "MAX_CONCURRENCY": "2",
            "FSIZE_LIMIT_MB": "10", "NOFILE_LIMIT": "256", "NPROC_LIMIT": "64"}
# Newer than the libseccomp of Debian 12; these numbers are the same on every architecture.
NEW_CALLS = {"cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453, "futex_wake": 454, "futex_wait": 455,
             "futex_requeue": 456, "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459,
             "lsm_set_self_attr": 460, "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463,
             "getxattrat": 464, "open_tree_attr": 467}
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
        self.expect = json.loads(fields["expect"]) if "expect" in fields else None
        self.code = fields.get("code", "").strip() or None
        self.details = json.loads(fields.get("details", "{}"))
        self.within = float(fields.get("within", 5))
        self.settings = {**SETTINGS, **json.loads(fields.get("settings", "{}"))}
        self.runs, self.jobs = int(fields.get("runs", 1)), int(fields.get("jobs", 1))
        self.needs = fields.get("needs", "").strip()
        self.unsafe_without = {word.strip() for word in fields.get("unsafe without", "").split(",")} - {""}

    @property
    def is_bomb(self):
        return self.name.startswith("bombs/")


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
    if os.getuid() == 0:                # it steps into the network of a cell for the moment of a clone: look more than once
        seen = [os.readlink(f"/proc/{server.pid}/ns/{name}") for _ in range(9) if time.sleep(0.001) is None]
        found.append(max(seen, key=seen.count))
    return found


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
        self.canaries.append("/etc/hostname" if os.path.exists("/etc/hostname") else "/etc/hosts")
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
        return {"numbers": self.numbers, "refused": self.refused, "unlisted": self.unlisted, "job": job,
                "canaries": self.canaries, "tcp_port": self.tcp.getsockname()[1], "unix_path": self.unix_path,
                "abstract": self.abstract_name, "environment": _environment(),
                "limits": {"CPU_LIMIT_SEC": int(settings["CPU_LIMIT_SEC"]),
                           "FSIZE_LIMIT_MB": int(settings["FSIZE_LIMIT_MB"]) << 20,
                           "NOFILE_LIMIT": int(settings["NOFILE_LIMIT"]), "NPROC_LIMIT": int(settings["NPROC_LIMIT"])},
                "namespaces": {name: _namespaces(name, server) for name in NAMESPACES},
                "host_words": [ROOT, "/home", "/root/", "overlay2", "upperdir", os.path.basename(self._places[0])],
                "own_paths": [ROOT, os.path.realpath(f"/proc/{server.pid}/exe") if os.getuid() == 0 else ROOT,
                              os.path.join(ROOT, "src"), os.path.join(ROOT, "runner", "runner.py"), os.getcwd()],
                "pids": [server.pid, *descendants(server.pid), os.getpid(), os.getppid()],
                "until": time.time() + 1.2}

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
        script = f"{attack.text}\n\n{TOOLBOX}\nGIVEN = {given!r}\n"
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
    for run in range(attack.runs):
        for answer, seconds in _execute(attack, server, machine, attack.jobs):
            where = f"run {run + 1}: " if attack.runs > 1 else ""
            if answer is None:
                return f"{where}no answer within {seconds:.1f} s"
            if attack.code and answer.code not in attack.code.split("|"):
                return f"{where}wanted {attack.code}, got {answer!r}"
            if attack.code and not attack.details.items() <= answer.details.items():
                return f"{where}details: wanted {attack.details}, got {answer.details}"
            if not attack.code and answer.status != 200:
                return f"{where}the script failed: {answer!r}"
            if not attack.code and not same(attack.expect, answer.result):
                return f"{where}{json.dumps(differences(attack.expect, answer.result))}"
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
    if attack.needs == "cgroup":
        if Client(server).health()["memory_enforced_by"] == "accounting":
            pytest.skip("no control group here, and only one counts what this attack uses")
    elif attack.needs and platform.machine() != attack.needs:
        pytest.skip(f"only on {attack.needs}")
    identity = server.identity()
    problem = problem_of(attack, server, machine)
    assert problem is None, problem
    wait_until(lambda: not server.job_pids(), 3, "every process of the job is gone")
    assert Client(server).result("def main(): return 'next'") == "next"
    assert server.identity() == identity, "a process of the service was restarted"
    machine.assert_untouched()


# -- what is better seen from outside ------------------------------------------------------------------------

_WAIT = "import time\ndef main():\n    time.sleep(1.2)\n    return 'waited'\n"


def _while_running(server, script, look):
    """Runs a script and calls look([pid of init, pid of Python]) meanwhile; returns the answer."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(Client(server).execute(script)))
    wait_until(lambda: not server.job_pids(), 5, "the job before is gone")
    thread.start()
    try:
        pids = wait_until(lambda: server.job_pids() if len(server.job_pids()) >= 2 else None, 5, "a job runs")
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


@pytest.mark.skipif(os.getuid() != 0, reason="only root may look into other users' processes")
def test_a_job_seen_from_outside(fleet):
    """Both processes of a job: no root uid, no capability, filtered, in namespaces of their own, few descriptors."""
    server = fleet.server(SETTINGS)
    from_root = not os.environ.get("SAFE_EXEC_TEST_USER")
    uids = set()

    def look(pids):
        for pid in pids:
            status = _status(pid)
            uids.add(status["Uid"].split()[0])
            assert len(set(status["Uid"].split())) == 1 and status["Uid"].split()[0] != "0"
            assert not status["Groups"] or not from_root
            assert all(int(status[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
            assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
            for name in NAMESPACES:
                own = os.readlink(f"/proc/{pid}/ns/{name}")
                assert own != os.readlink(f"/proc/self/ns/{name}"), f"{name} is the machine's"
                assert own != os.readlink(f"/proc/{server.pid}/ns/{name}"), f"{name} is the spawner's"
            wanted = ["socket"] if pid == min(pids) else ["/dev/null", "pipe", "pipe", "pipe"]
            wait_until(lambda p=pid, w=wanted: _kinds(p) == w, 1, f"{wanted} is all it holds: {_kinds(pid)}")
            assert os.path.realpath(f"/proc/{pid}/cwd") in ("/", "/tmp")

    assert _while_running(server, _WAIT, look).result == "waited"
    assert len(uids) == 1
    if from_root:
        assert 60601 <= int(uids.pop()) < 65534


@pytest.mark.skipif(os.getuid() != 0, reason="only root may look into other users' processes")
@pytest.mark.skipif(bool(os.environ.get("SAFE_EXEC_TEST_USER")), reason="an ordinary user has one uid")
def test_two_jobs_have_two_uids(fleet):
    server = fleet.server(SETTINGS)
    threads = [threading.Thread(target=lambda: Client(server).execute(_WAIT)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        uids = wait_until(lambda: {_status(pid).get("Uid", "0").split()[0] for pid in server.job_pids()} - {"0"}
                          if len(server.job_pids()) == 4 else None, 5, "two jobs run")
        wait_until(lambda: len({_status(pid).get("Uid", "0").split()[0] for pid in server.job_pids()} - {"0"}) == 2, 3,
                   f"two uids, saw {uids}")
    finally:
        for thread in threads:
            thread.join()


@pytest.mark.skipif(os.getuid() != 0, reason="only root may look into other users' processes")
def test_web_has_no_power(fleet):
    """The process that reads strangers' bytes: filtered, without capability, in an empty root, and not to be traced."""
    server = fleet.server(SETTINGS)
    status = _status(server.web_pid())
    assert status["Uid"].split()[0] != "0" and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert all(int(status[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
    assert status["Threads"] == "1"
    assert os.listdir(f"/proc/{server.web_pid()}/root") == [], "web sees files"
    if not os.environ.get("SAFE_EXEC_TEST_USER"):
        assert _may_trace(server.web_pid(), 65534) is False


def _may_trace(pid, uid):
    """Whether another user may read the process's memory."""
    done = subprocess.run(["cat", f"/proc/{pid}/environ"], user=uid, group=uid, extra_groups=[], capture_output=True,
                          check=False)
    return done.returncode == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root may look into other users' processes")
def test_the_spawner_has_left_the_machine(fleet):
    """The privileged process has no path to the machine's files but /proc."""
    server = fleet.server(SETTINGS)
    assert set(os.listdir(f"/proc/{server.pid}/root")) <= {"proc", "jail", "empty", "stage"}
    assert _status(server.pid)["NoNewPrivs"] == "1" and _status(server.pid)["Threads"] == "1"


def test_kill_everybody_spares_the_other_job(fleet, machine):
    """While one job sends SIGKILL to all that it can reach, another one goes on."""
    server = fleet.server(SETTINGS)
    attack = next(attack for attack in ATTACKS if attack.name == "kill-everybody")

    def look(_pids):
        problem = problem_of(attack, server, machine)
        assert problem is None, problem

    assert _while_running(server, _WAIT, look).result == "waited"


def test_a_dead_spawner_takes_its_jobs_along():
    """SIGKILL to the service leaves no job and no web behind."""
    server = Server(SETTINGS).start()
    killed = []

    def kill(pids):
        killed.extend([*pids, server.web_pid()])
        os.kill(server.pid, 9)
        server.process.wait()

    try:
        thread = threading.Thread(target=lambda: _ignore_errors(server, "import time\ndef main(): time.sleep(1.9)\n"))
        thread.start()
        kill(wait_until(lambda: server.job_pids() if len(server.job_pids()) >= 2 else None, 5, "a job runs"))
        wait_until(lambda: not any(_status(pid).get("State", "Z").startswith(("R", "S", "D")) for pid in killed), 5,
                   "nothing of the service is left")
        thread.join()
    finally:
        server.kill()


def _ignore_errors(server, script):
    try:
        Client(server).execute(script)
    except Exception:  # pylint: disable=broad-except  # the answer never comes
        pass
