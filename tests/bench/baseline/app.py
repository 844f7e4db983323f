# SPDX-License-Identifier: MIT
"""The usual design, to compare with: Flask under gunicorn, and one bubblewrap with a new Python per request.

It is written to be quick: no shell, no work that the answer does not need.
"""

import json
import os
import subprocess
import tempfile

from flask import Flask, Response, request

app = Flask(__name__)

_RUNNER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "runner.py")
_SANDBOX = [
    "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv",
    "--ro-bind", "/usr", "/usr", "--ro-bind", "/lib", "/lib", "--ro-bind-try", "/lib64", "/lib64",
    "--ro-bind", "/bin", "/bin", "--ro-bind-try", "/etc/alternatives", "/etc/alternatives",
    "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache",
    "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/tmp",
    "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "LANG", "C.UTF-8", "--setenv", "HOME", "/tmp",
    "--setenv", "OMP_NUM_THREADS", "1", "--setenv", "OPENBLAS_NUM_THREADS", "1",
    "--ro-bind", _RUNNER, "/runner.py",
]


@app.get("/ready")
def ready():
    """The server is up."""
    return "ready\n"


@app.post("/execute")
def execute():
    """Runs the script in a sandbox of its own and passes on what the runner printed."""
    script = request.get_json()["script"]
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "script.py"), "w", encoding="utf-8") as f:
            f.write(script)
        done = subprocess.run(
            [*_SANDBOX, "--ro-bind", directory, "/job", "/usr/bin/python3", "-I", "-B", "/runner.py"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
    if done.returncode != 0:
        reason = {"error": done.stderr.decode("utf-8", "replace")[-2000:]}
        return Response(json.dumps(reason), status=400, mimetype="application/json")
    return Response(done.stdout, mimetype="application/json")
