# SPDX-License-Identifier: MIT
"""Fixtures of the HTTP tests: servers (one shared, others by their settings) and clients.

Run: /usr/bin/python3 -m pytest tests      (see harness/server.py for SAFE_EXEC_* variables)
"""

import os
import resource
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness.client import Client  # noqa: E402
from harness.server import Server, wait_until  # noqa: E402

# The settings of the shared server: short, so that what runs into a limit ends soon.
SHARED = {"TIME_LIMIT_SEC": "3", "MAX_CONCURRENCY": "2"}


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes as long as a deadline of the service")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:                                # many idle connections are a test
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    # Where Hypothesis keeps its tables of characters, or it would make a directory in the tree.
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = tempfile.mkdtemp(prefix="hypothesis-")


def pytest_unconfigure(config):
    shutil.rmtree(os.environ["HYPOTHESIS_STORAGE_DIRECTORY"], ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        report.sections.append(
            ("rerun", f"/usr/bin/python3 -m pytest tests -k '{item.name}'"))


class Fleet:
    """Servers by their settings: started when first asked for, stopped with the session."""

    def __init__(self):
        self._servers = {}

    def server(self, settings):
        key = tuple(sorted({**SHARED, **settings}.items()))
        if key not in self._servers:
            self._servers[key] = Server(dict(key)).start()
        return self._servers[key]

    def client(self, settings):
        return Client(self.server(settings))

    def stop(self):
        failures = []
        for server in self._servers.values():
            try:
                wait_until(lambda s=server: not s.job_pids(), 10, "the last job is gone")
                server.stop()
            except AssertionError as e:
                failures.append(str(e))
                server.kill()
        assert not failures, "\n".join(failures)


@pytest.fixture(scope="session")
def fleet():
    """fleet.server(settings), fleet.client(settings)."""
    servers = Fleet()
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def server(fleet):
    """The shared server."""
    return fleet.server({})


@pytest.fixture(scope="session")
def client(server):
    """A client of the shared server."""
    return Client(server)


@pytest.fixture(scope="session")
def can_fork(client):
    """Whether jobs may create processes at this level of isolation."""
    answer = client.execute(
        "import os\n"
        "def main():\n"
        "    try:\n"
        "        pid = os.fork()\n"
        "    except PermissionError:\n"
        "        return False\n"
        "    if pid == 0:\n"
        "        os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "    return True\n")
    assert answer.result or client.health()["isolation"]["level"] != "strong"
    return answer.result


@pytest.fixture
def unharmed(server, client):
    """Around a hostile test: the same processes serve afterwards, and no job is left."""
    before = server.identity()
    yield
    assert client.result("def main(): return 'still here'") == "still here"
    assert server.identity() == before
