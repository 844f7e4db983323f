# SPDX-License-Identifier: MIT
"""A job cannot watch which files of the runtime other jobs, or the machine, open.

Watches are on inodes, which mounts share: inotify and dnotify would tell one job what another imports.

layers: filter
expect: {"inotify": "ENOSYS|EPERM", "dnotify": "EINVAL|EPERM|ENOSYS", "lease": "EINVAL|EPERM|ENOSYS|EACCES"}
"""

import fcntl
import os
import signal


def main():
    def inotify():
        fd = _libc.inotify_init1(os.O_NONBLOCK)
        if fd < 0 or _libc.inotify_add_watch(fd, b"/runner", 0x20) < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    signal.signal(signal.SIGIO, signal.SIG_IGN)
    fd = os.open("/usr/bin", os.O_RDONLY)
    file = os.open("/usr/bin/env", os.O_RDONLY)
    return {"inotify": attempt(inotify), "dnotify": attempt(fcntl.fcntl, fd, fcntl.F_NOTIFY, 1),
            "lease": attempt(fcntl.fcntl, file, 1024, fcntl.F_RDLCK)}
