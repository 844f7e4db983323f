# SPDX-License-Identifier: MIT
"""A Server of the suite that runs in a container: tests/harness/server.py takes it when the platform is one.

    SAFE_EXEC_TEST_PLATFORM  which of platforms.py
    SAFE_EXEC_TEST_ENGINE    docker, podman, or the path of a program with the interface in platforms.py
    SAFE_EXEC_TEST_IMAGE     the image
    SAFE_EXEC_TEST_PORTS     publish on these ports of the loopback, as 28000-28099 (default: any that is free)

Containers run one at a time: when another server is asked for its port, the one before is stopped, and started again
should it be asked for. The processes inside are looked at from the machine where that is possible (as root, and where
they are the machine's own processes), else by a command in the container; what needs the former skips with the reason.
"""

import atexit
import itertools
import json
import os
import socket
import subprocess
import tempfile
import threading

import pytest

from harness.server import Server, descendants, free_port, processes, wait_until
from platforms import engine_of, platform_of

__all__ = ["ContainerServer", "PROGRAM", "run_image"]

PROGRAM = "/opt/safe-exec/safe-exec"
# What serves; anything else that runs inside belongs to a job.
SERVICE = {"safe-exec-first", "safe-exec", "safe-exec-web", "safe-exec-warm", "safe-exec-wait", "safe-exec-init"}
STOP_WITHIN_SEC = 10         # what Kubernetes, Cloud Run and `docker stop` grant, or less than that
MARK = "SAFE_EXEC_TEST_MARK"
_LOOK = """
import json, os
def field(p):
    text = open(f"/proc/{p}/stat", encoding="utf-8", errors="replace").read()
    head, _, tail = text.rpartition(")")
    return int(tail.split()[1]), tail.split()[0], head.partition("(")[2]
found = {}
for p in os.listdir("/proc"):
    if p.isdigit() and int(p) != os.getpid():
        try:
            found[p] = field(p)
        except OSError:
            pass
places = ("/tmp", "/dev/shm", "/var/tmp", "/run", "/jail/tmp", "/jail/dev/shm", "/")
def files(place):
    try:
        return sorted(os.listdir(place))
    except OSError as e:
        return [e.strerror]
print(json.dumps({"processes": found, "files": {place: files(place) for place in places}}))
"""
_names = itertools.count(1)


def _setting(name):
    value = os.environ.get(name)
    assert value, f"{name} is not set: start this by tests/platform/run"
    return value


def _platform_and_engine():
    return platform_of(_setting("SAFE_EXEC_TEST_PLATFORM")), engine_of(_setting("SAFE_EXEC_TEST_ENGINE"))


def _port():
    span = os.environ.get("SAFE_EXEC_TEST_PORTS")
    if not span:
        return free_port()
    first, last = (int(word) for word in span.split("-"))
    for number in itertools.count(next(_names)):
        port = first + number % (last - first + 1)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                assert number < 10000, f"no free port among {span}"


def _name():
    return f"plat-{os.getpid()}-{next(_names)}"


def run_image(*arguments, settings=(), timeout=60):
    """Runs the image to its end with these arguments, as harness.server.run_once does with the binary."""
    platform, engine = _platform_and_engine()
    name = _name()
    command = engine.run(platform, _setting("SAFE_EXEC_TEST_IMAGE"), name, settings=settings, arguments=arguments)
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        subprocess.run(engine.stop(name), capture_output=True, check=False)
        raise


class ContainerServer(Server):
    """One running container with the given settings on top of the image's."""

    contained, program = True, PROGRAM
    _awake = None            # the one that runs
    _turn = threading.RLock()

    def __init__(self, settings=None, args=()):
        self._port, self._asleep, self._host_pid = None, False, None
        super().__init__(settings, args)
        self.platform, self.engine = _platform_and_engine()
        self.mounts, self.inside_port = {}, 8080
        self.name = self._mark = None

    # -- life ------------------------------------------------------------------------------

    @property
    def port(self):
        with ContainerServer._turn:
            if self._asleep:
                self.start()
            return self._port

    @port.setter
    def port(self, value):
        self._port = value

    def start(self, wait_ready=True):
        with ContainerServer._turn:
            if ContainerServer._awake not in (None, self):
                ContainerServer._awake._sleep()
            ContainerServer._awake, self._asleep = self, False
            self._port, self.name, self._host_pid = _port(), _name(), None
            self._mark = f"{self.name}-{os.urandom(4).hex()}"
            settings = {name: value for name, value in self.settings.items() if name not in ("HOST", "PORT") and value is not None}
            if os.environ.get("SAFE_EXEC_TEST_START"):
                settings.setdefault("START", os.environ["SAFE_EXEC_TEST_START"])
            command = self.engine.run(self.platform, _setting("SAFE_EXEC_TEST_IMAGE"), self.name, self._port,
                                      self.inside_port, {**settings, MARK: self._mark}, self.mounts, self.args)
            self._log = tempfile.TemporaryFile("w+b")
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                                            start_new_session=True)
            if wait_ready:
                try:
                    self.wait_ready()
                except BaseException:
                    self.kill()
                    raise
            self._host_pid = self._find_on_machine()
            return self

    def _sleep(self):
        """Another server's turn."""
        self.stop()
        self._asleep = True

    def stop(self, timeout=STOP_WITHIN_SEC):
        """SIGTERM to process 1; the container must end in time, with 0, and leave nobody behind."""
        if self.process is None:
            self._asleep = False
            return
        family = descendants(self._host_pid) if self._host_pid else {}
        if self.process.poll() is None:
            self.terminate()
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            log = self.log()
            self.kill()
            raise AssertionError(f"still running {timeout} s after SIGTERM\n{log}") from None
        if family:
            wait_until(lambda: not set(family) & set(processes()), 5, f"nothing of {family} is left")
        log, self.process = self.log(), None
        self._log.close()
        self._leave()
        assert status == 0, f"exit status {status} after SIGTERM\n{log}"

    def terminate(self):
        """The signal that `docker stop` sends, by a way that every engine has."""
        self.execute("/usr/bin/python3", "-IS", "-c", "import os; os.kill(1, 15)")

    def kill(self):
        if self.process is not None:
            subprocess.run(self.engine.stop(self.name), stdin=subprocess.DEVNULL, capture_output=True, check=False)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        self._leave()

    def _leave(self):
        if ContainerServer._awake is self:
            ContainerServer._awake = None

    @classmethod
    def awake(cls):
        """The one that runs now, or None."""
        return cls._awake

    # -- what can be seen -------------------------------------------------------------------

    def execute(self, *words, timeout=30):
        """Runs a command inside: subprocess.CompletedProcess."""
        self._wake()
        return subprocess.run(self.engine.execute(self.name, words), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, check=False)

    def inside(self):
        """{"processes": {pid: [parent, state, name]}, "files": {folder: names}} as a command in the container sees it."""
        done = self.execute("/usr/bin/python3", "-IS", "-c", _LOOK)
        assert done.returncode == 0, f"cannot look into the container: {done.stderr}"
        return json.loads(done.stdout)

    @property
    def started(self):
        """Another value for each container that was started for this server."""
        self._wake()
        return self._mark

    def _find_on_machine(self):
        """The spawner's number on this machine, or None: root alone may read the mark, and gVisor has its own processes."""
        table = processes()
        for parent, _, comm in table.values():
            if comm == "safe-exec-web":
                try:
                    with open(f"/proc/{parent}/environ", "rb") as file:
                        if f"{MARK}={self._mark}".encode() in file.read().split(b"\0"):
                            return parent
                except OSError:
                    pass
        return None

    def _wake(self):
        return self.port

    @property
    def visible(self):
        """Whether the processes inside are to be seen on the machine."""
        self._wake()
        return self._host_pid is not None

    @property
    def pid(self):
        if not self.visible:
            pytest.skip("the service's processes cannot be seen from the machine on this platform")
        return self._host_pid

    def pids_to_attack(self):
        """The numbers by which a job could know the service: inside the container, and on the machine."""
        seen = [int(pid) for pid, (_, _, comm) in self.inside()["processes"].items() if comm in SERVICE]
        return [*seen, *([self.pid, *descendants(self.pid)] if self.visible else [])]

    def web_pid(self):
        return super().web_pid() if self.pid else None

    def identity(self):
        if self.visible:
            return super().identity()
        assert self.process.poll() is None, f"the container ended\n{self.log()}"
        return self.name, sum(" died; " in line or " is killed" in line for line in self.log().splitlines())

    def job_pids(self):
        if self._asleep or self.process is None:
            return []
        if self.visible:
            return super().job_pids()
        return sorted(int(pid) for pid, (_, state, comm) in self.inside()["processes"].items()
                      if comm not in SERVICE and state != "Z")

    def log_records(self):
        """The service's own lines as objects; the engine may have written, too."""
        return [json.loads(line) for line in self.log().rpartition("\n")[0].splitlines() if line.startswith("{")]


def _leave_nothing():
    """However a run ends, its container ends with it: a bomb in it would go on for ever."""
    if ContainerServer.awake():
        ContainerServer.awake().kill()


atexit.register(_leave_nothing)
