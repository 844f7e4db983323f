# SPDX-License-Identifier: MIT
"""A file that anybody on the machine may read and write is out of reach, by its path and by every way around.

At the level "standard" its name may be known, and nothing more.

layers: mounts, landlock
expect: {"by path": ["ENOENT"], "around": ["ENOENT"], "by link": ["ENOENT"], "through descriptors": [], "tried": true,
         "written": ["ENOENT"]}
expect standard: {"by path": ["EACCES|ENOENT"], "around": ["EACCES|ENOENT"], "by link": ["EACCES|ENOENT"],
                  "written": ["EACCES|EPERM|ENOENT"]}
"""

import os


def main():
    canaries = GIVEN["canaries"]
    around = ["/proc/self/root", "/proc/self/cwd/..", "/proc/self/cwd/../../../../../..", "/../../../../../..",
              "/tmp/../../../../..", "/usr/bin/../../../../../..", "/proc/thread-self/root", "/proc/1/root",
              f"/proc/{os.getpid()}/root/..", "/dev/fd/../root", "/proc/self/task/1/root", "/proc/2/root",
              "/var/tmp/../.."]
    for depth, path in enumerate(canaries):
        os.symlink(path, f"{WORK}/link{depth}")
        os.symlink("../" * 40 + path.lstrip("/"), f"{WORK}/relative{depth}")
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
            "by link": sorted({try_read(f"{WORK}/{kind}{n}") for kind in ("link", "relative")
                               for n in range(len(canaries))}),
            "written": sorted({attempt(os.open, path, os.O_WRONLY) for path in canaries} |
                              {attempt(os.truncate, path, 6) for path in canaries}),
            "through descriptors": through}
