# SPDX-License-Identifier: MIT
"""There is no terminal to type into, and no controlling one to get.

layers: mounts, the launcher (setsid)
expect: {"/dev/tty": "ENOENT", "/dev/ptmx": "ENOENT", "/dev/pts": "ENOENT", "/dev/console": "ENOENT", "terminal": 0,
         "session of its own": true}
"""

import os


def main():
    tried = {path: attempt(os.lstat, path) for path in ("/dev/tty", "/dev/ptmx", "/dev/pts", "/dev/console")}
    fields = read("/proc/self/stat").rpartition(")")[2].split()
    return {**tried, "terminal": int(fields[4]), "session of its own": int(fields[3]) in (0, 1, os.getpid())}
