# SPDX-License-Identifier: MIT
"""Starts the service as a user would, and watches its processes.

The environment of the test run decides what is started:

    SAFE_EXEC_BIN         the binary (default build/safe-exec)
    SAFE_EXEC_TEST_USER   start it as this ordinary user, by name or number
    SAFE_EXEC_TEST_START  the START mode (default warm)
    SAFE_EXEC_TEST_LEVEL  "standard": on a machine that refuses namespaces (tests/platform/no_namespaces.c)
    SAFE_EXEC_TEST_PLATFORM  in a container instead: see tests/platform/container.py
"""

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import time

__all__ = ["ROOT", "SETTINGS", "Server", "StartFailed", "binary", "command", "base_env", "run_once",
           "answers_ready", "descendants", "free_port", "wait_until", "alive", "processes"]

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Every setting of the service; a test run must not inherit one by accident.
SETTINGS = (
    "PORT", "HOST", "MAX_SCRIPT_BYTES", "MAX_STDOUT_BYTES", "MAX_RESULT_BYTES",
    "TIME_LIMIT_SEC", "CPU_LIMIT_SEC", "MEM_LIMIT_MB", "FSIZE_LIMIT_MB", "TMP_LIMIT_MB",
    "NOFILE_LIMIT", "NPROC_LIMIT", "MAX_CONCURRENCY", "MAX_QUEUE", "MAX_PER_CLIENT", "MAX_CONNECTIONS", "CLIENT_ADDRESS_HEADER",
    "PYTHON_BIN",
    "START", "WARM_IMPORTS", "POOL_SIZE", "TEMPLATE_MAX_FORKS", "TEMPLATE_MAX_MINUTES", "ISOLATION", "LOG_FORMAT",
    "METRICS",
)

START_DEADLINE_SEC = 60      # a sanitizer build on a busy machine is slow
STOP_DEADLINE_SEC = 30


class StartFailed(Exception):
    """The service ended or stayed silent instead of becoming ready."""


def binary():
    """The path of the service under test."""
    return os.path.join(ROOT, os.environ.get("SAFE_EXEC_BIN", "build/safe-exec"))


def command():
    """What is run to start the service under test."""
    if os.environ.get("SAFE_EXEC_TEST_LEVEL", "strong") == "standard":
        return [os.path.join(ROOT, "build", "no-namespaces"), binary()]
    return [binary()]


def base_env(overrides=None):
    """Our environment without the service's settings, plus the given ones (None removes)."""
    env = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    env["START"] = os.environ.get("SAFE_EXEC_TEST_START", "warm")
    for name, value in (overrides or {}).items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = str(value)
    return env


def as_user():
    """subprocess arguments for SAFE_EXEC_TEST_USER."""
    user = os.environ.get("SAFE_EXEC_TEST_USER")
    if not user:
        return {}
    try:
        entry = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
        uid, gid = entry.pw_uid, entry.pw_gid
    except KeyError:
        if not user.isdigit():
            raise
        uid = gid = int(user)
    return {"user": uid, "group": gid, "extra_groups": []}


def run_once(*args, env=None, timeout=30):
    """Runs the binary to its end (--help, --check, a fatal setting)."""
    return subprocess.run([*command(), *args], env=base_env(env), cwd="/", timeout=timeout,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          **as_user())


def free_port():
    """A loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, timeout, what="condition", interval=0.02):
    """Polls until condition() is true and returns its value; fails after the deadline."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(interval)


def processes():
    """{pid: (ppid, state, comm)} of everything that /proc shows."""
    table = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                text = f.read()
        except OSError:
            continue
        head, _, tail = text.rpartition(")")
        state, ppid = tail.split()[:2]
        table[int(name)] = (int(ppid), state, head.partition("(")[2])
    return table


def descendants(pid):
    """{pid: comm} of all living processes below pid, zombies left out."""
    table = processes()
    found, frontier = {}, {pid}
    while frontier:
        frontier = {p for p, (ppid, _, _) in table.items() if ppid in frontier and p not in found}
        found.update((p, table[p]) for p in frontier)
    return {p: comm for p, (_, state, comm) in found.items() if state != "Z"}


def alive(pid):
    """True while pid runs (a zombie does not)."""
    entry = processes().get(pid)
    return entry is not None and entry[1] != "Z"


def answers_ready(port):
    """True when whoever listens on this loopback port answers GET /ready with 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as s:
            s.sendall(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return s.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


class Server:
    """One running service with the given settings on top of the defaults."""

    def __init__(self, settings=None, args=(), prefix=()):
        self.settings = dict(settings or {})
        self.args, self.prefix = list(args), list(prefix)      # prefix: a command that starts it
        self.process = None
        self.port = None
        self._log = None
        self.stderr = None          # a descriptor instead of the file that log() reads

    # -- life ------------------------------------------------------------------------------

    def start(self, wait_ready=True):
        self.port = int(self.settings.get("PORT") or free_port())
        self._log = tempfile.TemporaryFile("w+b")
        env = base_env({"HOST": "127.0.0.1", **self.settings, "PORT": self.port})
        self.process = subprocess.Popen(
            [*self.prefix, *command(), *self.args], env=env, cwd="/", stdin=subprocess.DEVNULL,
            stdout=self._log, stderr=self._log if self.stderr is None else self.stderr, start_new_session=True, **as_user())
        if wait_ready:
            try:
                self.wait_ready()
            except BaseException:
                self.kill()
                raise
        return self

    def wait_ready(self, timeout=START_DEADLINE_SEC):
        deadline = time.monotonic() + timeout
        while not answers_ready(self.port):
            if self.process.poll() is not None:
                raise StartFailed(f"exit status {self.process.returncode}\n{self.log()}")
            if time.monotonic() > deadline:
                raise StartFailed(f"not ready within {timeout} s\n{self.log()}")
            time.sleep(0.02)

    def stop(self, timeout=STOP_DEADLINE_SEC):
        """SIGTERM; the service must drain, leave nobody behind and exit with 0."""
        if self.process is None:
            return
        family = descendants(self.pid)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running {timeout} s after SIGTERM\n{self.log()}") from None
        left = {p: comm for p, comm in family.items() if alive(p)}
        if left:
            try:
                wait_until(lambda: not any(alive(p) for p in left), 5)
            except AssertionError:
                for p in left:
                    _kill(p)
                raise AssertionError(f"left behind after the end: {left}") from None
        log, self.process = self.log(), None
        self._log.close()
        assert status == 0, f"exit status {status} after SIGTERM\n{log}"

    def kill(self):
        """The way out when a test has failed: no questions asked."""
        if self.process is None:
            return
        for pid in [*descendants(self.pid), self.pid]:
            _kill(pid)
        self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start() if self.process is None else self

    def __exit__(self, exc_type, exc, traceback):
        if exc_type is None:
            self.stop()
        else:
            self.kill()

    # -- what can be seen from outside -------------------------------------------------------

    visible = True           # whether its processes can be looked at by their numbers
    contained = False        # whether it runs on a machine of its own, which ends with it

    @property
    def program(self):
        """The path of what was started, where it runs."""
        return binary()

    def execute(self, *words, timeout=30):
        """Runs a command where the service runs: subprocess.CompletedProcess."""
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        """The started process: the spawner."""
        return self.process.pid

    def children(self, comm=None):
        """[pid] of the living descendants, all or those of one name."""
        return sorted(p for p, name in descendants(self.pid).items() if comm in (None, name))

    def web_pid(self):
        """The process that talks HTTP, or None while it is being replaced."""
        pids = self.children("safe-exec-web")
        return pids[0] if len(pids) == 1 else None

    def identity(self):
        """(spawner, web): equal before and after means that nothing was restarted."""
        assert self.process.poll() is None, f"the service ended\n{self.log()}"
        return self.pid, self.web_pid()

    def waiting_pids(self):
        """The children of templates that wait for a job."""
        return self.children("safe-exec-wait")

    def template_pids(self):
        """The templates, the one without imports first."""
        return self.children("safe-exec-warm")

    def idle_pids(self):
        """Every process that is there when no job is: spawner, web, templates, and the cells that wait for a job."""
        waiting = self.waiting_pids()
        spaces = {_pid_namespace(p) for p in waiting}
        inits = [p for p in self.children("safe-exec-init") if _pid_namespace(p) in spaces]
        return sorted([self.pid, self.web_pid(), *self.template_pids(), *waiting, *inits])

    def job_pids(self):
        """Every process of jobs, their inits too: what is neither spawner, web, template nor waiting for a job."""
        spaces = {}
        for pid, comm in descendants(self.pid).items():
            spaces.setdefault(_pid_namespace(pid), {})[pid] = comm
        idle = {"safe-exec-init", "safe-exec-wait", "safe-exec-warm"}       # a cell that is being made, or waits
        own = spaces.pop(_pid_namespace(self.pid), {})
        service = {os.path.basename(binary()), "safe-exec-web"}
        strays = [pid for pid, comm in own.items() if comm not in idle | service]
        return sorted([pid for space, names in spaces.items() if space and set(names.values()) - idle for pid in names]
                      + strays)

    def pids_to_attack(self):
        """The numbers by which a job could know the service."""
        return [self.pid, *descendants(self.pid)]

    def log(self):
        """Everything written to stderr and stdout until now."""
        if self._log is None or self._log.closed:
            return ""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode("utf-8", "replace")

    def log_records(self):
        """The log as objects; a line that is no JSON object is a failure, but for the end of a line that is being written."""
        records = [json.loads(line) for line in self.log().rpartition("\n")[0].splitlines()]
        assert all(isinstance(record, dict) for record in records)
        return records


def _pid_namespace(pid):
    """Which namespace this is process of; None when it is gone."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


if os.environ.get("SAFE_EXEC_TEST_PLATFORM"):      # the same tests, the same interface, a container
    sys.path.insert(0, os.path.join(ROOT, "tests", "platform"))
    from container import ContainerServer as Server  # noqa: E402,F811  pylint: disable=wrong-import-position
