# SPDX-License-Identifier: MIT
"""Nothing can be written, made, changed or removed outside /tmp and /dev/shm.

At the level "standard": outside the job's own directories in there. gVisor has no files without a name (O_TMPFILE).

layers: readonly, landlock, mounts
expect: {"*": "EROFS|EACCES", "/": "EROFS|EACCES", "/tmp/file": "allowed", "/dev/shm/file": "allowed",
         "/var/tmp/file": "allowed", "mkdir /a": "EROFS|EACCES", "link": "EXDEV|EROFS|EACCES", "chmod": "EROFS|EPERM",
         "utime": "EROFS|EPERM"}
expect standard: {"*": "EROFS|EACCES|EPERM|EXDEV", "link": "EXDEV|EROFS|EACCES|EPERM",
                  "chmod": "EROFS|EPERM|EACCES", "utime": "EROFS|EPERM|EACCES", "/var/tmp/file": "EROFS|EACCES|ENOENT",
                  "/": "EROFS|EACCES|EPERM", "mkdir /a": "EROFS|EACCES|EPERM"}
expect gvisor: {"/": "EROFS|EACCES|ENOTSUP", "/usr": "EROFS|EACCES|ENOTSUP"}
"""

import os

PLACES = ("/new", "/usr/bin/new", "/usr/lib/new", "/usr/bin/env", "/usr/lib/python3/dist-packages/new.pth",
          os.path.dirname(os.__file__) + "/sitecustom.py", "/etc/new", "/etc/passwd", "/etc/ld.so.preload",
          "/runner/runner.py", "/runner/new", "/dev/new", "/var/new", "/bin/new", "/lib/new", "/dev/stdin-new")


def made(path, make):
    """Makes something and takes it away again."""
    answer = attempt(make, path)
    if answer == "allowed":
        os.remove(path)
    return answer


def moved(path, target):
    """Moves it there and back."""
    answer = attempt(os.rename, path, target)
    if answer == "allowed":
        os.rename(target, path)
    return answer


def as_they_are(path):
    """Sets mode, times and owner to what they are: (answers)."""
    info = os.stat(path)
    return {f"mode of {path}": attempt_change(os.chmod, path, info.st_mode & 0o7777),
            f"times of {path}": attempt_change(os.utime, path, ns=(info.st_atime_ns, info.st_mtime_ns)),
            f"owner of {path}": attempt(os.chown, path, info.st_uid, -1)}


def around():
    """The directories that the job's own lie in, and what others have put there."""
    tried = {}
    for own in OWN:
        parent = os.path.dirname(own)
        for place in {parent, os.path.dirname(parent), "/tmp", "/var/tmp", "/dev/shm"} - {"/", "/dev"}:
            if os.path.isdir(place):
                new = f"{place}/made-by-{os.getpid()}"
                tried[f"file in {place}"] = made(new, lambda path: os.close(os.open(path, os.O_CREAT | os.O_EXCL)))
                tried[f"link in {place}"] = made(new, lambda path: os.symlink("/", path))
                tried[f"list {place}"] = attempt(os.listdir, place)
                tried.update(as_they_are(place))
        tried[f"rename {own}"] = moved(own, own + "-moved")
        tried[f"move {own} up"] = moved(own, f"/tmp/moved-{os.getpid()}")
    # With another root they may be none of its files.
    canaries = [path for path in GIVEN["canaries"] if not GIVEN["chroot"] or attempt(os.stat, path) != "ENOENT"]
    for path in canaries:
        tried.update(as_they_are(path))
    for path in set(canaries) - {GIVEN["canaries"][-1]}:  # all but the machine's own
        tried[f"move {path}"] = moved(path, WORK + "/moved")
        tried[f"link to {path}"] = attempt(os.link, path, WORK + "/linked")
    return tried


def main():
    folder = runner()
    tried = {path: try_write(path) for path in PLACES if os.path.isdir(os.path.dirname(path))}
    tried["/"] = attempt(os.open, "/", os.O_TMPFILE | os.O_WRONLY, 0o600)
    tried["/usr"] = attempt(os.open, "/usr/bin", os.O_TMPFILE | os.O_WRONLY, 0o600)
    tried["mkdir /a"] = attempt(os.mkdir, "/a")
    tried["mkdir /dev/a"] = attempt(os.mkdir, "/dev/a")
    tried["symlink"] = made(folder + "/link", lambda path: os.symlink("/tmp", path))
    tried["remove"] = attempt(os.remove, folder + "/runner.py") if STRONG else attempt(os.rmdir, folder)
    tried["rename"] = moved(folder + "/runner.py", folder + "/other.py")
    tried["truncate"] = attempt(os.truncate, folder + "/runner.py", 1 << 20 if STRONG else os.path.getsize(folder + "/runner.py"))
    tried["link"] = attempt(os.link, "/usr/bin/env", WORK + "/env")
    tried["chmod"] = attempt_change(os.chmod, folder + "/runner.py",
                             0o444 if STRONG else os.stat(folder + "/runner.py").st_mode & 0o7777)
    tried["utime"] = attempt_change(os.utime, folder + "/runner.py", (0, 0) if STRONG else None)
    tried["/var/tmp/file"] = try_write("/var/tmp/file")
    tried["/tmp/file"] = try_write(WORK + "/file")
    tried["/dev/shm/file"] = try_write(OWN[-1] + "/file")
    if not STRONG:
        tried.update(around())
    return tried
