# SPDX-License-Identifier: MIT
"""A file that anybody on the machine may read and write is out of reach, by its path and by every way around.

layers: mounts
expect: {"by path": ["ENOENT"], "around": ["ENOENT"], "by link": ["ENOENT"], "through descriptors": [], "tried": true}
"""

import os


def main():
    canaries = GIVEN["canaries"]
    around = ["/proc/self/root", "/proc/self/cwd/..", "/proc/self/cwd/../../../../../..", "/../../../../../..",
              "/tmp/../../../../..", "/usr/bin/../../../../../..", "/proc/thread-self/root", "/proc/1/root",
              f"/proc/{os.getpid()}/root/..", "/dev/fd/../root", "/proc/self/task/1/root", "/proc/2/root",
              "/var/tmp/../.."]
    for depth, path in enumerate(canaries):
        os.symlink(path, f"/tmp/link{depth}")
        os.symlink("../" * 40 + path.lstrip("/"), f"/tmp/relative{depth}")
    through = []
    for fd in range(64):
        for path in canaries:
            try:
                os.close(os.open("../" * 20 + path.lstrip("/"), os.O_RDONLY, dir_fd=fd))
                through.append(fd)
            except OSError:
                pass
    return {"tried": len(canaries) > 2, "by path": sorted({try_read(path) for path in canaries}),
            "around": sorted({try_read(prefix + path) for prefix in around for path in canaries}),
            "by link": sorted({try_read(f"/tmp/{kind}{n}") for kind in ("link", "relative")
                               for n in range(len(canaries))}),
            "through descriptors": through}
