# SPDX-License-Identifier: MIT
"""What belongs to the user that started the service keeps its mode, times and owner, whatever the job's uid is.

Everything is set to what it is already. The service's own files are among them: who could shut its folder for the runner
would end it.

needs: standard
layers: own_uid, modes
expect: {"tried": true, "mode": ["EPERM|EACCES|ENOENT|EROFS"], "mode by descriptor": ["EPERM|EACCES|ENOENT|EROFS"],
         "times": ["EPERM|EACCES|ENOENT|EROFS"], "owner": ["EPERM|EACCES|ENOENT|EROFS"], "own file": "allowed",
         "own file by name": "allowed|EPERM"}
"""

import os
import stat


def by_descriptor(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(fd, stat.S_IMODE(os.fstat(fd).st_mode))
    finally:
        os.close(fd)


def refusals(what, paths):
    return sorted({attempt_change(what, path) for path in paths})


def main():
    paths = [GIVEN["owned"], os.path.dirname(GIVEN["owned"]), runner(), os.path.dirname(runner()), runner() + "/runner.py",
             runner() + "/template.py"]

    def mode(path):
        os.chmod(path, 0o711 if not os.path.exists(path) else stat.S_IMODE(os.stat(path).st_mode))

    def times(path):
        info = os.stat(path)
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))

    def own_by_descriptor():
        fd = os.open(WORK + "/own", os.O_CREAT | os.O_RDWR)
        os.fchmod(fd, 0o600)

    answers = {"mode": refusals(mode, paths), "times": refusals(times, paths),
               "mode by descriptor": refusals(by_descriptor, paths),
               "owner": refusals(lambda path: os.chown(path, os.stat(path).st_uid, -1), paths)}
    return {**answers, "tried": True, "own file": attempt(own_by_descriptor),
            "own file by name": attempt(os.chmod, WORK + "/own", 0o644)}
