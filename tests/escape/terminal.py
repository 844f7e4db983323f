# SPDX-License-Identifier: MIT
"""There is no terminal to type into, and no controlling one to get.

At the level "standard" the names may be there, and cannot be opened. Without a /proc that is how a terminal is looked for.

layers: mounts, landlock, the launcher (setsid)
expect: {"/dev/tty": "ENOENT", "/dev/ptmx": "ENOENT", "/dev/pts": "ENOENT", "/dev/console": "ENOENT", "terminal": 0,
         "session of its own": true}
expect standard: {"/dev/tty": "ENOENT|EACCES", "/dev/ptmx": "ENOENT|EACCES", "/dev/pts": "ENOENT|EACCES",
                  "/dev/console": "ENOENT|EACCES"}
"""

import os


def main():
    tried = {path: attempt(os.lstat, path) if STRONG else attempt(os.open, path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
             for path in ("/dev/tty", "/dev/ptmx", "/dev/pts", "/dev/console")}
    if not STRONG:  # who has a controlling terminal can open it by /dev/tty, and that is tried above
        return {**tried, "terminal": 0, "session of its own": os.getsid(0) == os.getpid()}
    if not PROC:
        return {**tried, "terminal": 0, "session of its own": os.getsid(0) in (0, 1, os.getpid())}
    fields = read("/proc/self/stat").rpartition(")")[2].split()
    return {**tried, "terminal": int(fields[4]), "session of its own": int(fields[3]) in (0, 1, os.getpid())}
