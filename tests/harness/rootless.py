#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""rootless.py PROGRAM [ARGUMENT...]: runs a program as a rootless container engine does.

It is root in a user namespace with a range of ids (user_namespaces(7)), and in a mount namespace with a /dev/shm of its
own. Started by the real root, who may map a range without newuidmap(1).
"""

import ctypes
import os
import sys

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000     # <linux/sched.h>
FIRST_OUTSIDE, COUNT = 100000, 65536                    # as in /etc/subuid


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    unshared, mapped = os.pipe(), os.pipe()
    child = os.fork()
    if child:
        os.close(unshared[1])
        if os.read(unshared[0], 1):
            for name in ("uid_map", "gid_map"):
                with open(f"/proc/{child}/{name}", "w", encoding="ascii") as file:
                    file.write(f"0 {FIRST_OUTSIDE} {COUNT}")
        os.close(mapped[1])                             # to say so
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    os.close(mapped[1])
    if libc.unshare(CLONE_NEWNS | CLONE_NEWUSER):
        sys.exit(f"unshare: {os.strerror(ctypes.get_errno())}")
    os.write(unshared[1], b"x")
    os.read(mapped[0], 1)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    if libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, b"mode=1777"):
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
