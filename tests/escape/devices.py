# SPDX-License-Identifier: MIT
"""/dev holds five harmless devices; no other can be made, as a node or as a socket's name.

At the level "standard" the machine's /dev may be there: it cannot be listed, and only the five can be opened.

layers: filter, mounts
expect: {"*": "EPERM", "names": ["fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom",
                                 "zero"],
         "kinds": ["1:3", "1:5", "1:7", "1:8", "1:9"], "pipe": "allowed", "file": "allowed", "no type": "allowed",
         "others": ["ENOENT|EACCES"]}
expect standard: {"names": [], "kinds": []}
"""

import os
import stat


OTHERS = ("mem", "kmem", "port", "kmsg", "tty", "console", "ptmx", "tty0", "tty1", "fuse", "kvm", "net/tun", "vda", "sda",
          "nvme0n1", "loop0", "loop-control", "mapper/control", "vhost-net", "hwrng", "cpu_dma_latency", "uinput", "snd",
          "dri/card0", "input/event0", "btrfs-control", "userfaultfd", "hpet", "rtc0", "vsock", "snapshot")


def listed():
    """Names in /dev that are there besides the five devices, if it can be listed at all."""
    try:
        return sorted(set(os.listdir("/dev")) - {"fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom",
                                                 "zero"})
    except PermissionError:
        return []


def main():
    kinds = {"block": stat.S_IFBLK, "character": stat.S_IFCHR, "socket": stat.S_IFSOCK, "directory": stat.S_IFDIR,
             "link": stat.S_IFLNK, "file": stat.S_IFREG, "pipe": stat.S_IFIFO, "no type": 0}
    tried = {name: attempt(os.mknod, f"{WORK}/{name}", kind | 0o600, os.makedev(0, 0)) for name, kind in kinds.items()}
    tried["whiteout in shm"] = attempt(os.mknod, f"{OWN[-1]}/node", stat.S_IFCHR | 0o600, os.makedev(1, 1))
    tried["others"] = sorted({attempt(os.open, "/dev/" + name, how) for name in OTHERS
                              for how in (os.O_RDONLY, os.O_WRONLY | os.O_NONBLOCK)})
    tried["names"] = sorted(os.listdir("/dev")) if STRONG else listed()
    info = [os.lstat("/dev/" + name) for name in tried["names"]]
    tried["kinds"] = sorted(f"{os.major(i.st_rdev)}:{os.minor(i.st_rdev)}" for i in info if not
                            (stat.S_ISDIR(i.st_mode) or stat.S_ISLNK(i.st_mode)))
    return tried
