# SPDX-License-Identifier: MIT
"""The devices are the machine's own nodes: a job may write to them, and changes nothing about them.

layers: mounts
expect: {"*": "EROFS|EPERM|EACCES", "times of /dev/null": "EROFS|EPERM|EACCES", "writing to /dev/null": "allowed"}
"""

import os


def main():
    tried = {"writing to /dev/null": attempt(lambda: os.close(os.open("/dev/null", os.O_WRONLY)))}
    for name in ("null", "zero", "full", "random", "urandom"):
        tried["times of /dev/" + name] = attempt(os.utime, "/dev/" + name)
        tried["mode of /dev/" + name] = attempt(os.chmod, "/dev/" + name, 0o666)
    return tried
