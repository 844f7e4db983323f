# SPDX-License-Identifier: MIT
"""The competitors: three ways to start safe-exec, the usual Flask design, a bare interpreter, and what runs already.

A Service is an HTTP server in a process tree of its own; Bare starts one interpreter per run.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import usage

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from harness.server import answers_ready, free_port  # noqa: E402

__all__ = ["Bare", "Failed", "NotAvailable", "Running", "Service", "competitors",
           "POOL", "FORK", "COLD", "PYTHON", "FLASK"]

POOL, FORK, COLD, PYTHON, FLASK = "warm pool", "warm fork", "cold", "python3", "flask+bwrap"

INTERPRETER = "/usr/bin/python3"
_BASELINE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "baseline")
# Nothing of our environment reaches a competitor: a setting of the service would change what is measured.
_ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
_START_SEC, _STOP_SEC = 60, 20


class NotAvailable(Exception):
    """A competitor that this machine or this binary does not have; says why."""


class Failed(Exception):
    """A server that should have started and did not."""


class Service:
    """An HTTP server; command is a function from a port to the arguments of the process.

    needs names the programs that it starts; reaps says that it waits for all its descendants.
    """

    def __init__(self, name, command, needs=(), reaps=True):
        self.name, self._command, self._needs, self._reaps = name, command, needs, reaps
        self.port = self.pid = self._process = self._log = self._group = None

    def start(self):
        """Starts it and waits until GET /ready answers 200."""
        self.port = free_port()
        command = self._command(self.port)
        for program in (command[0], *self._needs):
            if not shutil.which(program, path=_ENV["PATH"]):
                raise NotAvailable(f"{program} is not there")
        self._group = usage.Group.make(self.name.replace(" ", "-"))
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command, env=_ENV, cwd="/", stdin=subprocess.DEVNULL, stdout=self._log,
            stderr=self._log, start_new_session=True,
            preexec_fn=self._group.enter if self._group else None)
        self.pid = self._process.pid
        try:
            self._wait_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_ready(self):
        deadline = time.monotonic() + _START_SEC
        while not answers_ready(self.port):
            status = self._process.poll()
            if status is not None:
                words = self.last_words()
                # An older binary; the service names the setting that it does not know.
                unknown = re.search(r"unknown argument.*|START=.*must be one of.*", words)
                if unknown:
                    raise NotAvailable(unknown.group())
                raise Failed(f"exit status {status}: {words}")
            if time.monotonic() > deadline:
                raise Failed(f"not ready within {_START_SEC} s: {self.last_words()}")
            time.sleep(0.02)

    def last_words(self):
        """The end of its log."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), 1000, max(0, size - 1000)).decode("utf-8", "replace").strip()

    def stop(self):
        """SIGTERM, SIGKILL if that does not help; returns what was wrong with its end, or None."""
        if self._process is None:
            return None
        wrong = None
        if self._process.poll() is not None:
            wrong = f"ended by itself with status {self._process.returncode}: {self.last_words()}"
        else:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_SEC)
            except subprocess.TimeoutExpired:
                wrong = f"still running {_STOP_SEC} s after SIGTERM"
                self._process.kill()
                self._process.wait()
        if self._group:
            self._group.remove()
        self._log.close()
        self._process = None
        return wrong

    @property
    def cpu_source(self):
        """Where cpu_seconds() comes from, in a word; None when it cannot be complete."""
        if self._group:
            return self._group.source
        return "/proc" if self._reaps else None

    def cpu_seconds(self):
        """CPU time of all its processes, past ones too."""
        return self._group.cpu_seconds() if self._group else usage.tree_cpu_seconds(self.pid)


class Running:
    """A safe-exec that somebody else has started and will stop, in a container, say: nothing is known of its processes."""

    pid, cpu_source = None, None

    def __init__(self, name, port):
        self.name, self.port = name, port

    def start(self):
        """Only looks whether it is there."""
        if not answers_ready(self.port):
            raise NotAvailable(f"nothing is ready on 127.0.0.1:{self.port}")

    def stop(self):
        """It goes on."""

    def cpu_seconds(self):
        """Unknown."""
        return 0


class Bare:
    """The interpreter alone: no server, no sandbox."""

    name, pid, cpu_source = PYTHON, None, "rusage"

    def __init__(self):
        self._directory = None

    def start(self):
        """Makes the directory for the script files."""
        if not os.access(INTERPRETER, os.X_OK):
            raise NotAvailable(f"{INTERPRETER} is not there")
        self._directory = tempfile.TemporaryDirectory()

    def stop(self):
        """Removes it."""
        if self._directory:
            self._directory.cleanup()
        self._directory = None

    def program(self, script):
        """The path of a file with the script as a whole program."""
        # The hyphen keeps it from hiding a module of that name from its neighbours.
        path = os.path.join(self._directory.name, "bench-" + re.sub(r"\W+", "-", script.name) + ".py")
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as f:
                f.write(script.standalone())
        return path

    def run(self, path):
        """(start, end, exit status, stdout) of one run."""
        start = time.perf_counter()
        done = subprocess.run([INTERPRETER, path], env=_ENV, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return start, time.perf_counter(), done.returncode, done.stdout

    def cpu_seconds(self):
        """CPU time of all interpreters that have ended."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime



def competitors(binary, cpus):
    """All of them, in the order of the report."""
    def safe_exec(name, *settings):
        return Service(name, lambda port: [
            binary, "--host=127.0.0.1", f"--port={port}", f"--max-concurrency={cpus}", "--max-queue=64",
            "--time-limit-sec=30", "--max-stdout-bytes=2097152", "--log-format=json", *settings])

    def flask(port):
        return ["gunicorn", "--chdir", _BASELINE, "--bind", f"127.0.0.1:{port}",
                "--workers", str(2 * cpus), "--timeout", "60", "--log-level", "warning", "app:app"]

    return [
        safe_exec(POOL, "--start=warm"),
        safe_exec(FORK, "--start=warm", "--pool-size=0"),
        safe_exec(COLD, "--start=cold"),
        Bare(),
        Service(FLASK, flask, needs=["bwrap"], reaps=False),
    ]
