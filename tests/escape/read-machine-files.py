# SPDX-License-Identifier: MIT
"""No file of the machine can be read or listed: they do not exist in here.

layers: mounts
expect: {"*": "ENOENT", "/etc/shadow": "ENOENT", "/root": "ENOENT", "in /etc": [], "in /": [], "in /var": ["tmp"],
         "accounts": 3}
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


def main():
    tried = {path: attempt(os.lstat, path) for path in PATHS}
    made = {"alternatives", "group", "localtime", "matplotlibrc", "mime.types", "nsswitch.conf", "passwd"}
    tried["in /etc"] = sorted(set(os.listdir("/etc")) - made)
    tried["in /var"] = os.listdir("/var")
    known = {"bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "runner", "tmp", "usr", "var"}
    tried["in /"] = sorted(set(os.listdir("/")) - known)
    tried["accounts"] = len(read("/etc/passwd").splitlines())
    return tried
