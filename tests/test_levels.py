# SPDX-License-Identifier: MIT
"""Which level the service takes on a machine that lacks something, and that it is then as it says.

What a machine may lack is taken away by strace(1), or by the test build, which leaves out what is named in
SAFE_EXEC_TEST_DROP. The levels of whole platforms are the matter of tests/platform.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from harness.client import Client
from harness.server import ROOT, Server, alive, base_env, binary, wait_until

DROP_BUILD = os.environ.get("SAFE_EXEC_DROP_BIN", "build/safe-exec-drop")
SUM = "import numpy\ndef main(): return int(numpy.sum([1, 2]))"
STRAY = ("import os, time\ndef main():\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n"
         "            time.sleep(60)\n        os._exit(0)\n    return 'answered'\n")

pytestmark = pytest.mark.skipif(os.getuid() != 0 or bool(os.environ.get("SAFE_EXEC_TEST_USER")),
                                reason="for a service that starts as root")
needs_drop = pytest.mark.skipif(not os.path.exists(os.path.join(ROOT, DROP_BUILD)), reason=f"no {DROP_BUILD}")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")


@pytest.fixture(autouse=True)
def machine_with_namespaces(monkeypatch):
    """What is missing is taken away here, test by test."""
    monkeypatch.delenv("SAFE_EXEC_TEST_LEVEL", raising=False)


def _isolation(client):
    told = client.health()["isolation"]
    return told["level"], told["layers"]


def _works(server, client):
    assert client.result(SUM) == 3
    assert client.result(STRAY) == "answered"
    wait_until(lambda: not server.job_pids(), 3, "no process of the job is left")
    assert client.execute("import time\ndef main(): time.sleep(9)").code == "TIMEOUT"


def test_the_level_does_not_depend_on_the_time_limit():
    """The attempts of the self-test take longer than the shortest limit; on a busy machine, than others as well."""
    with Server({"TIME_LIMIT_SEC": "0.1", "ISOLATION": "strong"}) as server:
        assert _isolation(Client(server))[0] == "strong"


# -- a layer that is there and holds nothing ---------------------------------------------------------------------


@needs_drop
def test_namespaces_without_effect_are_not_relied_on(monkeypatch):
    """As under an old gVisor: the calls answer success. The next level serves, and /health says what got out."""
    monkeypatch.setenv("SAFE_EXEC_BIN", DROP_BUILD)
    with Server({"SAFE_EXEC_TEST_DROP": "pid", "TIME_LIMIT_SEC": "1"}) as server:
        client = Client(server)
        level, layers = _isolation(client)
        assert level == "standard"
        assert layers["namespaces"].startswith("no effect: ") and "got out" in layers["namespaces"]
        assert layers["mounts"].startswith("absent: ") and layers["own_uid"].startswith("ok")
        _works(server, client)


@needs_drop
def test_inits_cloned_by_the_template(monkeypatch):
    """As under gVisor: no process can enter the namespaces of another. Warm all the same, as strong, as limited."""
    monkeypatch.setenv("SAFE_EXEC_BIN", DROP_BUILD)
    with Server({"SAFE_EXEC_TEST_DROP": "join", "START": "warm", "TIME_LIMIT_SEC": "1", "POOL_SIZE": "2"}) as server:
        client = Client(server)
        assert _isolation(client)[0] == "strong" and client.health()["start"] == "warm"
        waiting = wait_until(lambda: server.waiting_pids() if len(server.waiting_pids()) == 4 else None, 10, "both pools")
        _works(server, client)
        for pid in server.template_pids():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(alive, waiting)), 5, "children end with their template")
        assert client.result(SUM) == 3                                     # cold, if need be
        wait_until(lambda: all(status["state"] == "serving" and status["restarts"] == 1
                               for status in client.health()["templates"].values()), 20, "the templates are there again")
        _works(server, client)


# -- calls that a kernel or a filter of the platform lacks --------------------------------------------------------


def _wrapper(folder, options):
    """A program that starts the service under strace(1) with these options: its path."""
    wrapper = folder / "safe-exec"
    wrapper.write_text(f"#!/bin/sh\nexec strace -D -qq -o /dev/null {options} {binary()} \"$@\"\n", encoding="utf-8")
    wrapper.chmod(0o755)
    return str(wrapper)


def _without(calls, tmp_path, monkeypatch):
    """Makes these calls fail as where there are none (ENOSYS) in all that the service starts."""
    monkeypatch.setenv("SAFE_EXEC_BIN", _wrapper(tmp_path, f"-f --seccomp-bpf -e trace={calls} -e inject={calls}:error=ENOSYS"))


@needs_strace
@pytest.mark.parametrize("level, calls", [
    ("strong", "clone3"), ("strong", "pidfd_open,pidfd_send_signal"), ("strong", "close_range"), ("strong", "memfd_create"),
    ("standard", "clone3,pidfd_open,pidfd_send_signal,close_range,memfd_create"),
])
def test_a_missing_call_costs_no_level(level, calls, tmp_path, monkeypatch):
    monkeypatch.setenv("SAFE_EXEC_TEST_LEVEL", level)
    _without(calls, tmp_path, monkeypatch)
    with Server({"START": "warm", "POOL_SIZE": "1", "TIME_LIMIT_SEC": "1"}) as server:
        client = Client(server)
        assert _isolation(client)[0] == level
        _works(server, client)
        for status in client.health()["templates"].values():
            assert status["state"] == "serving"
            if "memfd_create" in calls:             # only speed is lost
                assert status["prefault_pages"] == 0 and status["snapshot"] == "absent: Function not implemented"


@needs_strace
def test_without_landlock_namespaces_suffice(tmp_path, monkeypatch):
    """... and where there are none either, the service does not start, and says how to get one of them."""
    _without("landlock_create_ruleset", tmp_path, monkeypatch)
    with Server({"POOL_SIZE": "1", "TIME_LIMIT_SEC": "1"}) as server:
        level, layers = _isolation(Client(server))
        assert (level, layers["landlock"]) == ("strong", "absent: the kernel has none")
        _works(server, Client(server))
    refused = subprocess.run([os.path.join(ROOT, "build", "no-namespaces"), os.environ["SAFE_EXEC_BIN"], "--check"],
                             env=base_env(), cwd="/", timeout=30, capture_output=True, text=True, check=False)
    assert refused.returncode > 0
    for words in ("namespaces are refused", "no Landlock", "own uids and chroot", "deploy/docker-seccomp.json"):
        assert words in refused.stderr


EMPTY_THE_RUNNER = """
import __main__, os

def attempt(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return os.strerror(error.errno)
    return "done"

def main():
    runner = __main__.__file__
    return [os.stat(runner).st_size > 0, os.stat(runner).st_uid == os.getuid(), attempt(os.truncate, runner, 0),
            attempt(os.open, runner, os.O_RDONLY | os.O_TRUNC), attempt(os.open, runner, os.O_ACCMODE | os.O_TRUNC),
            attempt(os.open, runner, os.O_RDWR | os.O_TRUNC)]
"""


@needs_strace
def test_an_old_landlock_does_not_see_a_file_emptied(monkeypatch):
    """ABI 2 knows nothing of truncation (Linux 5.19 to 6.1), and an ordinary user's jobs have the uid of its files."""
    monkeypatch.setenv("SAFE_EXEC_TEST_LEVEL", "standard")
    monkeypatch.setenv("SAFE_EXEC_TEST_USER", "nobody")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        # The first call asks for the version, and that of no child is changed: the kernel takes what ABI 2 asks for.
        calls = "landlock_create_ruleset"
        monkeypatch.setenv("SAFE_EXEC_BIN", _wrapper(pathlib.Path(folder), f"-e trace={calls} -e inject={calls}:retval=2:when=1"))
        with Server({"START": "cold", "TIME_LIMIT_SEC": "5"}) as server:
            client = Client(server)
            level, layers = _isolation(client)
            assert (level, layers["landlock"]) == ("standard", "ok (ABI 2)")
            # As the owner's files in a virtual environment are.
            os.chmod(client.result("import __main__\ndef main(): return __main__.__file__"), 0o644)
            refused = "Operation not permitted"
            assert client.result(EMPTY_THE_RUNNER) == [True, True, refused, refused, refused, "Permission denied"]
            assert client.result(SUM) == 3


# -- root that is none ---------------------------------------------------------------------------------------------


def _check_as_root_of_nobody(*before):
    """--check by an ordinary user who is root in a user namespace of one id: as in rootless engines, but with less."""
    done = subprocess.run(["unshare", "--user", "--map-root-user", *before, binary(), "--check"], env=base_env(), cwd="/",
                          timeout=60, user=65534, group=65534, extra_groups=[], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare(1)")
def test_root_of_one_id():
    """It can neither change ids nor leave groups: namespaces do without, and without them jobs are one process each."""
    told = _check_as_root_of_nobody()
    assert "isolation: strong" in told and "layer namespaces: ok" in told
    told = _check_as_root_of_nobody(os.path.join(ROOT, "build", "no-namespaces"))
    assert "isolation: standard" in told and "layer one_process: ok" in told


@pytest.mark.parametrize("level", ["strong", "standard"])
def test_rootless(level):
    """Root of a range of ids has uids to give to jobs, with namespaces and without."""
    refused = [os.path.join(ROOT, "build", "no-namespaces")] if level == "standard" else []
    rootless = os.path.join(ROOT, "tests", "harness", "rootless.py")
    done = subprocess.run([rootless, *refused, binary(), "--check"], env=base_env(), cwd="/", timeout=60,
                          capture_output=True, text=True, check=False)
    assert f"isolation: {level}" in done.stdout, done.stderr
    assert "layer own_uid: ok" in done.stdout
