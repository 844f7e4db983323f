# SPDX-License-Identifier: MIT
"""No namespace can be made or entered: unshare, setns, and clone with each of its flags; clone3 does not exist.

Nor can a thread have descriptors of its own. Every clone carries CLONE_THREAD without CLONE_SIGHAND, which the kernel itself
answers with EINVAL.

layers: filter
expect: {"clone3": "ENOSYS", "clone without": "EINVAL", "*": "EPERM"}
"""

FLAGS = {"CLONE_NEWNS": 0x20000, "CLONE_NEWCGROUP": 0x2000000, "CLONE_NEWUTS": 0x4000000, "CLONE_NEWIPC": 0x8000000,
         "CLONE_NEWUSER": 0x10000000, "CLONE_NEWPID": 0x20000000, "CLONE_NEWNET": 0x40000000}
CLONE_THREAD, CLONE_FILES, CLONE_PARENT, CLONE_NEWTIME = 0x10000, 0x400, 0x8000, 0x80
THREAD = CLONE_THREAD | CLONE_FILES


def main():
    tried = {"clone3": call("clone3"), "clone without": call("clone", THREAD, 0, 0, 0, 0),
             "clone CLONE_THREAD without CLONE_FILES": call("clone", CLONE_THREAD, 0, 0, 0, 0),
             "clone CLONE_PARENT": call("clone", THREAD | CLONE_PARENT, 0, 0, 0, 0),
             "unshare CLONE_NEWTIME": call("unshare", CLONE_NEWTIME),
             "unshare nothing": call("unshare", 0), "setns": call("setns")}
    for name, flag in FLAGS.items():
        tried["clone " + name] = call("clone", THREAD | flag, 0, 0, 0, 0)
        tried["clone high " + name] = call("clone", 1 << 32 | THREAD | flag, 0, 0, 0, 0)
        tried["unshare " + name] = call("unshare", 1 << 40 | flag)  # an unknown bit: the kernel would say EINVAL
        tried["setns " + name] = call("setns", 0, flag)
    return tried
