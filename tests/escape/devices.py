# SPDX-License-Identifier: MIT
"""/dev holds five harmless devices; no other can be made, as a node or as a socket's name.

layers: filter, mounts
expect: {"*": "EPERM", "names": ["fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom",
                                 "zero"],
         "kinds": ["1:3", "1:5", "1:7", "1:8", "1:9"], "pipe": "allowed", "file": "allowed", "no type": "allowed"}
"""

import os
import stat


def main():
    kinds = {"block": stat.S_IFBLK, "character": stat.S_IFCHR, "socket": stat.S_IFSOCK, "directory": stat.S_IFDIR,
             "link": stat.S_IFLNK, "file": stat.S_IFREG, "pipe": stat.S_IFIFO, "no type": 0}
    tried = {name: attempt(os.mknod, "/tmp/" + name, kind | 0o600, os.makedev(0, 0)) for name, kind in kinds.items()}
    tried["whiteout in shm"] = attempt(os.mknod, "/dev/shm/node", stat.S_IFCHR | 0o600, os.makedev(1, 1))
    tried["names"] = sorted(os.listdir("/dev"))
    info = [os.lstat("/dev/" + name) for name in tried["names"]]
    tried["kinds"] = sorted(f"{os.major(i.st_rdev)}:{os.minor(i.st_rdev)}" for i in info if not
                            (stat.S_ISDIR(i.st_mode) or stat.S_ISLNK(i.st_mode)))
    return tried
