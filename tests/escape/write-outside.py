# SPDX-License-Identifier: MIT
"""Nothing can be written, made, changed or removed outside /tmp and /dev/shm.

layers: readonly, landlock, mounts
expect: {"*": "EROFS|EACCES", "/": "EROFS|EACCES", "/tmp/file": "allowed", "/dev/shm/file": "allowed",
         "/var/tmp/file": "allowed", "mkdir /a": "EROFS|EACCES", "link": "EXDEV|EROFS|EACCES", "chmod": "EROFS|EPERM",
         "utime": "EROFS|EPERM"}
"""

import os

PLACES = ("/new", "/usr/bin/new", "/usr/lib/new", "/usr/bin/env", "/usr/lib/python3/dist-packages/new.pth",
          os.path.dirname(os.__file__) + "/sitecustom.py", "/etc/new", "/etc/passwd", "/etc/ld.so.preload",
          "/runner/runner.py", "/runner/new", "/dev/new", "/var/new", "/bin/new", "/lib/new", "/dev/stdin-new")


def main():
    tried = {path: try_write(path) for path in PLACES if os.path.isdir(os.path.dirname(path))}
    tried["/"] = attempt(os.open, "/", os.O_TMPFILE | os.O_WRONLY, 0o600)
    tried["/usr"] = attempt(os.open, "/usr/bin", os.O_TMPFILE | os.O_WRONLY, 0o600)
    tried["mkdir /a"] = attempt(os.mkdir, "/a")
    tried["mkdir /dev/a"] = attempt(os.mkdir, "/dev/a")
    tried["symlink"] = attempt(os.symlink, "/tmp", "/runner/link")
    tried["remove"] = attempt(os.remove, "/runner/runner.py")
    tried["rename"] = attempt(os.rename, "/runner/runner.py", "/runner/other.py")
    tried["truncate"] = attempt(os.truncate, "/runner/runner.py", 1 << 20)
    tried["link"] = attempt(os.link, "/usr/bin/env", "/tmp/env")
    tried["chmod"] = attempt(os.chmod, "/runner/runner.py", 0o444)
    tried["utime"] = attempt(os.utime, "/runner/runner.py", (0, 0))
    for path in ("/tmp/file", "/dev/shm/file", "/var/tmp/file"):
        tried[path] = try_write(path)
    return tried
