# SPDX-License-Identifier: MIT
"""What fails under the service: processes that die or hang, calls that are refused, and resources that run out.

For each: no wrong answer, an answer of the contract or another try inside the service, and it works again afterwards.
What dies in the pool and in templates is the matter of test_warm.py, web and spawner that die that of test_service.py.

Calls fail by strace(1), which refuses the Nth call of a name in each process that it follows: the spawner, what it clones,
and what that forks until it becomes Python. SAFE_EXEC_TEST_ALL=1 tries every call with every error, which takes long.
"""

import collections
import contextlib
import itertools
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from harness.client import Client, converse, read_answer, request_bytes
from harness.looks import cpu_seconds, sanitized
from harness.server import ROOT, Server, alive, descendants, run_once, wait_until

FAULTS = os.path.join(ROOT, "tests", "faults")
EVERYTHING = bool(os.environ.get("SAFE_EXEC_TEST_ALL"))
COLD_RUN = os.environ.get("SAFE_EXEC_TEST_START", "warm") == "cold"
STANDARD = os.environ.get("SAFE_EXEC_TEST_LEVEL", "strong") == "standard"
AS_ROOT = os.getuid() == 0 and not os.environ.get("SAFE_EXEC_TEST_USER")

SLEEP = "import time\ndef main():\n    time.sleep({})\n    return 'slept'"
# As SLEEP, with a second thread: that shows from outside that the script has begun (see begun()).
SEEN = ("import threading, time\ndef main():\n    thread = threading.Thread(target=time.sleep, args=({},))\n"
        "    thread.start()\n    thread.join()\n    return 'slept'")
ONE = "def main(): return 1"
with open(os.path.join(FAULTS, "inside.py"), encoding="utf-8") as _file:
    INSIDE = _file.read()

needs_root = pytest.mark.skipif(not AS_ROOT, reason="for a service that starts as root")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")


def works(server, count=3, patience=15):
    """It answers again, each job its own."""
    def answers():
        try:
            return Client(server, timeout=10).execute(ONE).code is None
        except (urllib3.exceptions.HTTPError, OSError):
            return False
    wait_until(answers, patience, "it works again")
    client = Client(server)
    assert [client.result(f"def main(): return {n}") for n in range(count)] == list(range(count))
    wait_until(lambda: not server.job_pids(), 5, "no process of a job is left")


def try_one(server, script=ONE, timeout=30):
    """The answer's code (None: a result), or "closed" where the connection ended without one."""
    try:
        return Client(server, timeout=timeout).execute(script).code
    except urllib3.exceptions.ProtocolError:
        return "closed"


def begun(server, count):
    """The processes of scripts like SEEN that run, as soon as there are that many."""
    def threaded():
        found = []
        for pid in server.job_pids():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if len(os.listdir(f"/proc/{pid}/task")) > 1:
                    found.append(pid)
        return found if len(found) == count else None
    return wait_until(threaded, 10, f"{count} scripts have begun")


# -- a call fails ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def strace(pid, *options, children=True):
    """Follows a process and what it forks, up to where that becomes Python."""
    with tempfile.NamedTemporaryFile("r", prefix="strace-") as output:
        tracer = subprocess.Popen(["strace", *(["-f"] if children else []), "-b", "execve", "-o", output.name, "-p", str(pid),
                                   *options], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        try:
            said = tracer.stderr.readline()
            assert "attached" in said, said
            yield output
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=20)


# None of these can fail as they are used (close(2) never leaves the descriptor open), and none of them protects anything;
# without getrandom(2) Python opens /dev/urandom for good.
NOT_REFUSED = {"close", "exit", "exit_group", "rt_sigreturn", "restart_syscall", "kill", "umask", "rt_sigprocmask",
               "rt_sigaction", "getpid", "getrandom"}
ERRORS = ("EPERM", "ENOSYS", "EINTR", "ENOMEM")
# gVisor and restricted containers refuse these, so EPERM is no failure there: src/jail/limits.c.
BEST_EFFORT = {"RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_SIGPENDING"}
PATHS = {  # how a job comes about -> (settings, whose calls fail)
    "cold": ({"START": "cold"}, "spawner"),
    "warm, in the spawner": ({"POOL_SIZE": "0"}, "spawner"),
    "warm, in the template": ({"POOL_SIZE": "0"}, "template"),
}


def bare_template(server):
    for pid in server.template_pids():
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
            if not file.read().split("\0")[-2]:
                return pid
    return None


class Launch:
    """A service whose jobs all start the same way, and the process in which calls are refused."""

    def __init__(self, path):
        settings, self._whose = PATHS[path]
        self.server = Server({"MAX_CONCURRENCY": "1", "TIME_LIMIT_SEC": "5", **settings}).start()
        self.client = Client(self.server)
        for _ in range(2):
            self.usual = self.client.result(INSIDE)

    def pid(self):
        if self._whose == "spawner":
            return self.server.pid
        return wait_until(lambda: bare_template(self.server), 20, "there is a template")

    def calls(self):
        """[(name, number of the call in its process)]."""
        with strace(self.pid()) as output:
            assert self.client.execute(INSIDE).code is None
            wait_until(lambda: not self.server.job_pids(), 5, "the job is over")
            time.sleep(0.1)
            text = output.read()
        counts, running = collections.defaultdict(collections.Counter), set()
        for line in text.splitlines():
            match = re.match(r"(\d+)\s+(\w+)\((.*)", line)
            if not match or match[1] in running:
                continue
            counts[match[1]][match[2]] += 1
            if match[2] == "execve" or (match[2] == "write" and match[3].startswith("3, ")):
                running.add(match[1])           # what follows is Python's, or the script's: the mark was written
        most = collections.Counter()
        for names in counts.values():
            most |= names
        assert most["prctl"] and sum(most.values()) > 20, text[-2000:]
        return [(name, n) for name in sorted(most) if name not in NOT_REFUSED for n in range(1, most[name] + 1)]


def chosen(calls):
    """All, or of each name the first and the last call, with one error each in turn."""
    if EVERYTHING:
        return [(name, n, error) for name, n in calls for error in ERRORS]
    picked = []
    for name, group in itertools.groupby(calls, key=lambda call: call[0]):
        numbers = [n for _, n in group]
        picked += [(name, n) for n in sorted({numbers[0], numbers[-1]})]
    return [(name, n, ERRORS[i % len(ERRORS)]) for i, (name, n) in enumerate(picked)]


def differences(usual, seen, error):
    """What protects a job less, or otherwise, than usual."""
    differ = {name: (usual[name], seen[name]) for name in usual if usual[name] != seen[name]}
    if error == "EPERM" and "limits" in differ and all(usual["limits"][name] == seen["limits"][name]
                                                       for name in usual["limits"] if name not in BEST_EFFORT):
        del differ["limits"]
    return differ


@needs_root
@needs_strace
@pytest.mark.skipif(STANDARD or COLD_RUN or sanitized(), reason="each way to start a job is tried once, in the plain run")
@pytest.mark.parametrize("path", PATHS)
def test_a_call_that_fails(path):
    """On the way to a job each call is refused once: the job is run as protected as ever, or not at all."""
    launch, wrong, codes = Launch(path), [], collections.Counter()
    server = launch.server
    try:
        for name, n, error in chosen(launch.calls()):
            with strace(launch.pid(), "-e", f"trace={name}", "-e", f"inject={name}:error={error}:when={n}"):
                try:
                    answer = Client(server, timeout=30).execute(INSIDE)
                    code = answer.code
                except urllib3.exceptions.ProtocolError:        # the spawner took web for hostile
                    code = "closed"
            codes[code] += 1
            what = f"{name} #{n} {error}: "
            print(what, code)
            if server.process.poll() is not None:
                raise AssertionError(f"{what} the service ended\n{server.log()[-3000:]}")
            if code is None:
                less = differences(launch.usual, answer.result, error)
                wrong += [what + json.dumps(less)] if less else []
            elif code not in ("INTERNAL", "closed"):
                wrong.append(what + code)
            if code is not None:
                works(server, count=1)
        assert not wrong, "\n".join(wrong)
        # In what is cloned a call fails each time that it is tried; in spawner and template once.
        assert codes[None] > 5, f"nearly none was tried again: {codes}"
        works(server)
        assert not differences(launch.usual, launch.client.result(INSIDE), None)
    except BaseException:
        server.kill()
        raise
    server.stop()


# -- a process hangs ----------------------------------------------------------------------------------------------------


def web_hangs():
    """The spawner sees it and starts another one; the job of the old one is killed."""
    with Server({"TIME_LIMIT_SEC": "60"}) as server, ThreadPoolExecutor(1) as pool:
        job = pool.submit(converse, server, request_bytes(SLEEP.format(50)), timeout=30)
        jobs, web = wait_until(server.job_pids, 10, "its processes are there"), server.web_pid()
        os.kill(web, signal.SIGSTOP)
        wait_until(lambda: server.web_pid() not in (None, web) and not alive(web), 30, "another web is there")
        assert job.result().answers == []
        works(server)
        wait_until(lambda: not any(alive(pid) for pid in jobs), 5, "the processes of the old job are gone")
        assert "it has done nothing for" in server.log()


def spawner_hangs():
    """Nobody is above it: web says so, answers what waits, refuses what comes; and all is well when it goes on."""
    with Server({"TIME_LIMIT_SEC": "1", "MAX_CONCURRENCY": "2"}) as server, ThreadPoolExecutor(2) as pool:
        client = Client(server)
        jobs = [pool.submit(try_one, server, SEEN.format(0.8)) for _ in range(2)]
        begun(server, 2)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            assert [job.result() for job in jobs] == [None, None], "answered by what they said themselves"
            late = pool.submit(try_one, server, SLEEP.format(0.1))
            wait_until(lambda: client.get("/ready").status == 503, 30, "it is not ready")
            assert client.get("/health").status == 503
            assert "hangs" in client.get("/health").json()["reason"]
            refused = client.execute(ONE)
            assert (refused.status, refused.code) == (503, "OVERLOADED") and int(refused.header("Retry-After")) > 0
            assert late.result() == "INTERNAL"
            assert server.process.poll() is None
        finally:
            os.kill(server.pid, signal.SIGCONT)
        wait_until(lambda: client.get("/ready").status == 200, 20, "it is ready again")
        works(server)
        assert client.health()["jobs"]["running"] == 0


def everybody_is_frozen():
    """As a frozen container, or a machine that slept: nobody is taken to hang, and a job is over time or goes on."""
    with Server({"TIME_LIMIT_SEC": "4"}) as server, ThreadPoolExecutor(1) as pool:
        identity = server.identity()
        job = pool.submit(try_one, server, SLEEP.format(2))
        wait_until(server.job_pids, 10, "its processes are there")
        family = [server.pid, *descendants(server.pid)]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        time.sleep(9)
        for pid in reversed(family):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        assert job.result() in (None, "TIMEOUT")
        works(server)
        assert server.identity() == identity
        assert "has done nothing" not in server.log() and "template died" not in server.log()


@pytest.mark.skipif(STANDARD or COLD_RUN, reason="does not depend on how jobs are started")
def test_processes_that_hang():
    """Side by side, since all of it is waiting."""
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(scene) for scene in (web_hangs, spawner_hangs, everybody_is_frozen)]:
            done.result()


@pytest.mark.parametrize("number", (signal.SIGKILL, signal.SIGSTOP), ids=("killed", "stopped"))
@pytest.mark.skipif(COLD_RUN, reason="about the children of templates")
def test_a_child_in_the_middle_of_its_job(number):
    """The script runs already, so it is not run again: one answer that says so, and no other job notices."""
    with Server({"TIME_LIMIT_SEC": "2", "MAX_CONCURRENCY": "2"}) as server, ThreadPoolExecutor(2) as pool:
        victim, other = pool.submit(try_one, server, SEEN.format(1.5)), pool.submit(try_one, server, SEEN.format(1.6))
        os.kill(begun(server, 2)[0], number)
        codes = {victim.result(), other.result()}
        assert codes == {None, "CRASHED" if number == signal.SIGKILL else "TIMEOUT"}
        works(server)


# -- something runs out -----------------------------------------------------------------------------------------------------


SHORTAGES = {  # what runs out -> the calls that fail for want of it, and how
    "descriptors": "inject=pipe2,openat,socketpair,memfd_create,dup,epoll_ctl:error=EMFILE",
    "memory": "inject=mmap,brk,mremap,clone,clone3,fork:error=ENOMEM",
}
WORK = [ONE, "def main(:", "def main(): 1 / 0", "def main():\n    print('x' * 100000)\n    return 'y' * 200000",
        "import os\ndef main(): os.abort()", "import numpy\ndef main(): return float(numpy.ones(9).sum())"]
USUAL = [None, "SYNTAX_ERROR", "EXCEPTION", None, "CRASHED", None]


@needs_root
@needs_strace
@pytest.mark.skipif(STANDARD or sanitized(), reason="does not depend on the level; a sanitizer needs memory of its own")
@pytest.mark.parametrize("who", ("web", "spawner", "template"))
@pytest.mark.parametrize("what", SHORTAGES)
def test_a_process_runs_out_of(what, who):
    """It says INTERNAL or OVERLOADED, or closes the connection; it never gives a wrong answer; it recovers by itself."""
    if who == "template" and COLD_RUN:
        pytest.skip("there is none")
    with Server({"TIME_LIMIT_SEC": "5", "MAX_CONCURRENCY": "2", "POOL_SIZE": "0"}) as server:
        works(server)
        pid = {"web": server.web_pid, "spawner": lambda: server.pid, "template": lambda: bare_template(server)}[who]()
        with strace(pid, "-e", SHORTAGES[what]), ThreadPoolExecutor(3) as pool:
            codes = list(pool.map(lambda script: try_one(server, script), WORK))
        for code, usual in zip(codes, USUAL):
            assert code in (usual, "INTERNAL", "OVERLOADED", "closed"), codes
        assert who == "template" or codes != USUAL, "nothing was short"
        works(server)
        assert server.process.poll() is None


@needs_root
@needs_strace
@pytest.mark.skipif(STANDARD or sanitized(), reason="does not depend on the level")
def test_connections_wait_while_there_is_no_descriptor():
    """Web does not spin over a connection that it cannot take, says so once, and takes it as soon as it can."""
    with Server({"LOG_FORMAT": "json", "WARM_IMPORTS": ""}) as server:
        web = server.web_pid()
        with strace(web, "-e", "inject=accept4:error=EMFILE"):
            sock = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            sock.sendall(request_bytes(ONE))
            before = cpu_seconds(web)
            assert not select.select([sock], [], [], 2)[0], "nothing was short"
            assert cpu_seconds(web) - before < 0.5
        with sock:
            answer, _ = read_answer(b"".join(iter(lambda: sock.recv(65536), b"")))
        assert answer.status == 200, answer
        said = [record for record in server.log_records() if "connections have to wait" in record["message"]]
        assert len(said) == 1, said


@needs_root
@needs_strace
@pytest.mark.skipif(STANDARD or sanitized(), reason="does not depend on the level")
def test_an_answer_whose_connection_the_library_gives_up():
    """It cannot watch the connection any more and says so in no way but one: the request is over all the same."""
    large = "import os, time\ndef main():\n    time.sleep(4)\n    os.write(1, b'\\1' * 1000000)"
    settings = {"MAX_STDOUT_BYTES": "1000000", "WARM_IMPORTS": "", "LOG_FORMAT": "json"}
    with Server(settings) as server, socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", server.port))
        sock.sendall(request_bytes(large))
        wait_until(server.job_pids, 5, "it runs")
        with strace(server.web_pid(), "-e", "inject=epoll_ctl:error=ENOSPC"):
            wait_until(lambda: any(record.get("httpRequest", {}).get("requestMethod") == "POST"
                                   for record in server.log_records()), 10, "its end is logged")
        works(server)


@needs_root
@needs_strace
@pytest.mark.skipif(STANDARD or sanitized(), reason="does not depend on the level")
def test_a_client_that_goes_before_its_answer_leaves_no_path_in_the_log():
    """The library has a message for it, which names what was asked for."""
    with Server({"LOG_FORMAT": "json", "WARM_IMPORTS": ""}) as server:
        with strace(server.web_pid(), "-e", "inject=sendmsg,sendto,writev:error=ECONNRESET"):
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sock:
                    sock.sendall(b"GET /canary-path HTTP/1.1\r\nHost: a\r\n\r\n")
                    assert sock.recv(100) == b""
        wait_until(lambda: "(unknown)" in server.log(), 5, "the requests are logged")
        assert "canary" not in server.log()


@needs_root
@pytest.mark.skipif(not os.path.isdir("/sys/fs/cgroup/pids"), reason="no control groups of version 1 for processes here")
def test_out_of_processes():
    """No job can be cloned: INTERNAL, and back to work when there is room again."""
    group = f"/sys/fs/cgroup/pids/faults-{os.getpid()}"
    with Server({"TIME_LIMIT_SEC": "5", "POOL_SIZE": "0"}) as server:
        os.mkdir(group)
        try:
            for pid in (server.pid, *descendants(server.pid)):
                with open(group + "/cgroup.procs", "w", encoding="ascii") as file:
                    file.write(str(pid))
            with open(group + "/pids.max", "w", encoding="ascii") as file:
                file.write("0")
            assert {try_one(server) for _ in range(3)} == {"INTERNAL"}
            with open(group + "/pids.max", "w", encoding="ascii") as file:
                file.write("max")
            works(server)
        finally:
            server.stop()
            os.rmdir(group)


@needs_root
@pytest.mark.skipif(not STANDARD, reason="with namespaces no job is on a disk")
def test_a_full_disk():
    """The script cannot even be written: that is not its fault, and it is over when there is room."""
    prefix = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=2m none /tmp && mount -t tmpfs -o size=2m none /dev/shm"
              " && exec \"$@\"", "-"]
    with Server({"TIME_LIMIT_SEC": "5", "POOL_SIZE": "0"}, prefix=prefix) as server:
        works(server)
        inside = ["nsenter", "-t", str(server.pid), "-m", "sh", "-c"]
        subprocess.run([*inside, "dd if=/dev/zero of=/tmp/fill bs=4096 2>/dev/null; true"], check=True, timeout=30)
        assert {try_one(server) for _ in range(3)} == {"INTERNAL"}
        subprocess.run([*inside, "rm /tmp/fill"], check=True, timeout=30)
        works(server)


# -- a clock jumps ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sanitized() or STANDARD, reason="a sanitizer wants to be the first library")
def test_the_clock_of_the_wall_jumps(monkeypatch):
    """No limit and no wait is measured by it: it jumps by a day at each look, and nothing but the log shows it."""
    library = os.path.join(ROOT, "build", "clock-jump.so")
    if not os.path.exists(library):
        pytest.skip("build/clock-jump.so is not built")
    monkeypatch.setenv("LD_PRELOAD", library)
    with Server({"TIME_LIMIT_SEC": "1", "CPU_LIMIT_SEC": "5"}) as server:
        monkeypatch.delenv("LD_PRELOAD")
        client = Client(server)
        assert client.result(SLEEP.format(0.3)) == "slept"
        assert client.execute(SLEEP.format(5)).details == {"limit": "wall", "seconds": 1}
        works(server)
        assert 0 <= client.health()["uptime_seconds"] < 300
        days = {record["time"][:10] for record in server.log_records()}
        assert len(days) > 1, "the clock has jumped"


# -- what becomes Python is broken --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", name="breakable")
def _breakable():
    """(interpreter, switch(text)): an interpreter that runs this text before anything else, and imports it as "fragile"."""
    folder = tempfile.mkdtemp(prefix="test-fragile-", dir=os.path.join(ROOT, "build"))
    try:
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", "--system-site-packages", folder], check=True,
                       timeout=60)
        interpreter = os.path.join(folder, "bin", "python3")
        packages = subprocess.run([interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], check=True,
                                  timeout=60, stdout=subprocess.PIPE, text=True).stdout.strip()
        texts = {name: os.path.join(packages, name) for name in ("broken_start.txt", "broken_import.txt")}
        with open(os.path.join(packages, "start.pth"), "w", encoding="utf-8") as file:
            file.write(f"import sys; exec(open({texts['broken_start.txt']!r}).read())\n")
        with open(os.path.join(packages, "fragile.py"), "w", encoding="utf-8") as file:
            file.write(f"exec(open({texts['broken_import.txt']!r}).read())\n")

        def switch(start="", on_import=""):
            for path, text in zip(texts.values(), (start, on_import)):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(path, 0o644)

        switch()
        os.chmod(folder, 0o755)
        yield interpreter, switch
    finally:
        shutil.rmtree(folder)


BROKEN = {"it exits": "import os; os._exit(3)", "it crashes": "import os; os.abort()",
          "it hangs": "import time; time.sleep(60)", "it says nothing and is gone": "import os; os.kill(os.getpid(), 9)"}


def test_a_broken_interpreter(breakable):
    """No script is blamed for an interpreter that does not start; and it is used again when it does."""
    interpreter, switch = breakable
    with Server({"START": "cold", "PYTHON_BIN": interpreter, "TIME_LIMIT_SEC": "1"}) as server:
        for what, text in BROKEN.items():
            switch(start=text)
            assert try_one(server) == "INTERNAL", what
            switch()
            works(server, count=1)
        log = server.log()
        assert "a script was not started" in log


@pytest.mark.skipif(COLD_RUN, reason="about templates")
def test_a_template_that_hangs_while_importing(breakable):
    """Jobs run cold meanwhile; /health says so; and when the import works again there is a template again."""
    interpreter, switch = breakable
    with Server({"PYTHON_BIN": interpreter, "WARM_IMPORTS": "fragile", "TIME_LIMIT_SEC": "5", "POOL_SIZE": "1"}) as server:
        client = Client(server)

        def state():
            return client.health()["templates"]["full"]["state"].partition(":")[0]

        def full():
            return [pid for pid in server.template_pids() if pid != bare_template(server)]
        wait_until(lambda: state() == "serving", 20, "it serves")
        switch(on_import="import time; time.sleep(600)")
        try:
            for pid in full():
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: state() == "starting", 10, "the next one is starting")
            works(server)
            assert client.result("# fragile\n" + ONE) == 1, "a script that might want it"
        finally:
            switch()
        hanging = wait_until(full, 10, "it hangs")
        if EVERYTHING:
            wait_until(lambda: not any(alive(pid) for pid in hanging), 70, "its minute is over")
        else:
            for pid in hanging:
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: state() == "serving", 20, "it serves again")
        works(server)


@pytest.mark.skipif(COLD_RUN or not EVERYTHING, reason="takes the minute that a template has for its imports")
def test_a_first_template_that_hangs_is_fatal(breakable):
    interpreter, switch = breakable
    switch(on_import="import time; time.sleep(600)")
    try:
        done = run_once("--check", env={"PYTHON_BIN": interpreter, "WARM_IMPORTS": "fragile"}, timeout=120)
    finally:
        switch()
    assert done.returncode > 0 and "imports take longer than a minute" in done.stderr and "WARM_IMPORTS" in done.stderr


# -- nobody reads the log --------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(STANDARD or COLD_RUN, reason="does not depend on how jobs are started")
def test_nobody_reads_the_log():
    """A full pipe on stderr must not stop the service; what was lost is said when somebody reads again."""
    reader, writer = os.pipe()
    server = Server()
    server.stderr = writer
    try:
        server.start()
        os.close(writer)
        client = Client(server)
        for n in range(400):
            client.get("/" + "x" * 100 + str(n))
        assert [client.result(f"def main(): return {n}") for n in range(3)] == [0, 1, 2]
        os.set_blocking(reader, False)

        def read():
            """What is in the pipe."""
            parts = []
            with contextlib.suppress(BlockingIOError):
                while parts[-1:] != [b""]:
                    parts.append(os.read(reader, 65536))
            return b"".join(parts)

        assert read()
        client.get("/health")
        wait_until(lambda: b"lines of the log were lost" in read(), 5, "it is said")
    finally:
        server.stop()
        os.close(reader)
