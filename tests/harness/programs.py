# SPDX-License-Identifier: MIT
"""Runs a program of tests/programs/ directly: the same Python, no service, no jail.

The program is imported as the module `script` from an empty working directory, and what
main() returned goes through runner/tojson.py into a side file, so that both ways end in the
same JSON text if the jail changed nothing.
"""

import glob
import os
import signal
import subprocess
import sys
import tempfile

from .server import ROOT

__all__ = ["PROGRAMS", "python_bin", "read", "run_directly"]

PROGRAMS = sorted(os.path.splitext(os.path.basename(path))[0]
                  for path in glob.glob(os.path.join(ROOT, "tests", "programs", "*.py")))

# argv: tojson.py, the side file. Nothing here may shadow what a program imports.
_LOADER = """
import asyncio, importlib.util, os, sys
_, _tojson, _side = sys.argv
sys.argv = ["script.py"]
sys.path.insert(0, os.getcwd())
import script
value = script.main()
if asyncio.iscoroutine(value):
    value = asyncio.run(value)
spec = importlib.util.spec_from_file_location("_conversion", _tojson)
conversion = importlib.util.module_from_spec(spec)
spec.loader.exec_module(conversion)
with open(_side, "w", encoding="utf-8") as f:
    f.write(conversion.to_json(value))
sys.stdout.flush()
"""


def python_bin():
    """The interpreter that the service runs."""
    return os.environ.get("PYTHON_BIN", "/usr/bin/python3")


def read(name):
    """The source of one program."""
    with open(os.path.join(ROOT, "tests", "programs", name + ".py"), encoding="utf-8") as f:
        return f.read()


def run_directly(name, timeout=60):
    """(JSON text of the result, stdout) of a direct run."""
    with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory() as side:
        with open(os.path.join(work, "script.py"), "w", encoding="utf-8") as f:
            f.write(read(name))
        result = os.path.join(side, "result.json")
        done = subprocess.run(
            [python_bin(), "-I", "-B", "-u", "-c", _LOADER,
             os.path.join(ROOT, "runner", "tojson.py"), result],
            cwd=work, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False,
            env={"LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": work,
                 "TZ": "UTC", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            # a job starts with it; a test run in the background of a shell has it ignored
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        sys.stderr.write(done.stderr.decode("utf-8", "replace"))
        assert done.returncode == 0, "the program fails without the service too"
        with open(result, encoding="utf-8") as f:
            return f.read(), done.stdout.decode("utf-8")
