# SPDX-License-Identifier: MIT
"""Open are the empty input, three pipes, and nothing else; what the job starts has the first three.

layers: descriptors
expect: {"open": {"0": "/dev/null", "1": "pipe", "2": "pipe", "3": "pipe"}, "by fcntl": [0, 1, 2, 3],
         "in a child": ["0", "1", "2"], "after exec": ["0", "1", "2"]}
"""

import fcntl
import os
import subprocess
import sys


def main():
    names = {fd: attempt_link("/proc/self/fd/" + fd) for fd in sorted(os.listdir("/proc/self/fd"), key=int)}
    by_fcntl = [fd for fd in range(1024) if attempt(fcntl.fcntl, fd, fcntl.F_GETFD) == "allowed"]
    listing = "import os; print(*sorted(os.listdir('/proc/self/fd'))[:-1])"
    closed = subprocess.run([sys.executable, "-I", "-S", "-c", listing], capture_output=True, text=True).stdout
    kept = subprocess.run([sys.executable, "-I", "-S", "-c", listing], capture_output=True, text=True,
                          close_fds=False).stdout
    return {"open": {fd: name for fd, name in names.items() if name}, "by fcntl": by_fcntl,
            "in a child": closed.split(), "after exec": kept.split()}


def attempt_link(path):
    """What a descriptor is; "" for the one that listed the directory and is closed again."""
    try:
        return os.readlink(path).partition(":")[0]
    except OSError:
        return ""
