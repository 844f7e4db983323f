# SPDX-License-Identifier: MIT
"""The devices are the machine's own nodes: a job may write to them, and changes nothing about them.

At the level "standard" the devices have no mount that is read-only, and whoever may write to one may set its times. So it
is on gVisor, where a mount of one file that is read-only does not keep them.

layers: mounts, own_uid
expect: {"*": "EROFS|EPERM|EACCES", "times of /dev/null": "EROFS|EPERM|EACCES", "writing to /dev/null": "allowed"}
expect standard: {"times of /dev/null": "allowed|EPERM|EACCES", "times of /dev/zero": "allowed|EPERM|EACCES",
                  "times of /dev/full": "allowed|EPERM|EACCES", "times of /dev/random": "allowed|EPERM|EACCES",
                  "times of /dev/urandom": "allowed|EPERM|EACCES", "*": "EPERM|EACCES"}
expect gvisor: {"times of /dev/null": "allowed|EROFS|EPERM|EACCES", "times of /dev/zero": "allowed|EROFS|EPERM|EACCES",
                "times of /dev/full": "allowed|EROFS|EPERM|EACCES", "times of /dev/random": "allowed|EROFS|EPERM|EACCES",
                "times of /dev/urandom": "allowed|EROFS|EPERM|EACCES"}
"""

import os


def main():
    tried = {"writing to /dev/null": attempt(lambda: os.close(os.open("/dev/null", os.O_WRONLY)))}
    for name in ("null", "zero", "full", "random", "urandom"):
        tried["times of /dev/" + name] = attempt_change(os.utime, "/dev/" + name)
        tried["mode of /dev/" + name] = attempt_change(os.chmod, "/dev/" + name, 0o666)
    return tried
