# SPDX-License-Identifier: MIT
"""What pytest does differently for a container: tests are in the order of their servers, so that few have to be started.

Used by tests/platform/run with `-p plugin`.
"""

import json
import os
import signal
import subprocess

import pytest

from harness import server

_VERSIONS = ("import json, sys; import numpy, pandas; "
             "print(json.dumps([sys.version.split()[0], numpy.__version__, pandas.__version__]))")


def pytest_configure():
    """Told to end, pytest ends as by Ctrl-C: fixtures stop what they started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)     # a background shell may have had it ignored


def _settings_of(item):
    """The settings of the server that a case or an attack asks for, as a key to sort by."""
    parameters = getattr(item, "callspec", None)
    asked = parameters.params if parameters else {}
    settings = getattr(asked.get("case"), "server", None) or getattr(asked.get("attack"), "settings", None) or {}
    return json.dumps(settings, sort_keys=True)


def pytest_collection_modifyitems(items):
    """Stable: within a file and a server, the order stays."""
    files = {}
    for item in items:
        files.setdefault(item.path, len(files))
    items.sort(key=lambda item: (files[item.path], _settings_of(item)))


@pytest.fixture(scope="session")
def same_python(fleet):
    """Whether the machine's Python gives what the image's must give."""
    about = fleet.client({}).get("/").json()["python"]
    done = subprocess.run([os.environ.get("PYTHON_BIN", "/usr/bin/python3"), "-c", _VERSIONS], capture_output=True,
                          text=True, check=False)
    here = json.loads(done.stdout) if done.returncode == 0 else None
    return here is not None and here == [about["version"], about["packages"]["numpy"], about["packages"]["pandas"]]


def pytest_runtest_setup(item):
    """Programs are compared with a direct run on the machine, which only means something with the same Python."""
    if item.path.name == "test_programs.py" and "fleet" in item.fixturenames:
        item.fixturenames.append("same_python")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    if item.path.name == "test_programs.py" and item.funcargs.get("same_python") is False:
        pytest.skip("this machine's Python, numpy or pandas is another than the image's")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failure shows what the container said last: all but the requests."""
    outcome = yield
    report, running = outcome.get_result(), server.Server.awake()
    if report.failed and running:
        lines = [line for line in running.log().splitlines() if '"message":"request"' not in line]
        report.sections.append((f"log of the container ({item.name})", "\n".join(lines[-12:])))
