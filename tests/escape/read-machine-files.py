# SPDX-License-Identifier: MIT
"""No file of the machine can be read or listed: they do not exist in here.

At the level "standard" their names may be known, and a few files of /etc that programs need can be read (landlock.c);
/etc/os-release is a link into the runtime. Where a chroot is all there is, the whole tree of the image for jobs can be
read, its /usr above all. On gVisor there is an empty directory by the name of /jail, where jobs are made.

layers: mounts, landlock
expect: {"*": "ENOENT", "/etc/shadow": "ENOENT", "/root": "ENOENT", "in /etc": [], "in /": [], "in /var": ["tmp"],
         "accounts": 3}
expect chroot alone: {"/usr/src": "allowed", "/usr/sbin": "allowed", "/usr/include": "allowed", "/usr/local/bin": "allowed",
                      "/sbin": "allowed", "/empty": "allowed", "in /": ["empty", "sbin"], "in /etc": ["ld.so.cache"],
                      "in /var": ["tmp"]}
expect gvisor: {"/jail": "ENOENT|empty"}
expect standard: {"*": "ENOENT|EACCES|EPERM", "/etc/shadow": "ENOENT|EACCES|EPERM", "/root": "ENOENT|EACCES|EPERM",
                  "in /var": [], "accounts": 0, "/etc/os-release": "ENOENT|EACCES|allowed"}
"""

import os

PATHS = ("/etc/shadow", "/etc/gshadow", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/ssh", "/etc/ssl",
         "/etc/machine-id", "/etc/environment", "/etc/fstab", "/etc/os-release", "/home", "/root", "/root/.ssh",
         "/opt",
         "/srv", "/mnt", "/media", "/boot", "/run", "/run/docker.sock", "/run/secrets", "/var/run", "/var/lib",
         "/var/log",
         "/var/run/secrets/kubernetes.io/serviceaccount/token", "/sys", "/sys/kernel", "/sys/fs/cgroup",
         "/usr/local/bin",
         "/usr/src", "/usr/sbin", "/usr/include", "/sbin", "/old", "/jail", "/stage", "/empty", "/.dockerenv")


def names(place):
    """What can be listed: at the level "standard" nothing, or what is in the image's tree for jobs."""
    return [] if not STRONG and try_read(place) != "allowed" else os.listdir(place)


def main():
    tried = {path: attempt(os.lstat, path) if STRONG else try_read(path) for path in PATHS}
    made = {"alternatives", "group", "localtime", "matplotlibrc", "mime.types", "nsswitch.conf", "passwd"}
    tried["in /etc"] = sorted(set(names("/etc")) - made)
    tried["in /var"] = names("/var")
    if attempt(os.listdir, "/jail") == "allowed" and not os.listdir("/jail"):
        tried["/jail"] = "empty"
    known = {"jail", "bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "runner", "tmp", "usr", "var"}
    tried["in /"] = sorted(set(names("/")) - known)
    tried["accounts"] = len(read("/etc/passwd").splitlines()) if STRONG else 0
    return tried
