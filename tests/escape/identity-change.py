# SPDX-License-Identifier: MIT
"""User, groups, capabilities and personality cannot be changed, not even to what they are.

layers: filter
expect: {"*": "EPERM", "setuid 0": "EPERM", "personality asked": "allowed"}
expect gvisor: {"personality asked": "allowed|EINVAL"}
"""

import os


def main():
    tried = {f"{name} 0": call(name, 0, 0, 0) for name in ("setuid", "setgid", "setreuid", "setregid", "setresuid",
                                                           "setresgid", "setfsuid", "setfsgid", "setgroups")}
    tried["setuid as it is"] = call("setuid", os.getuid())
    tried["capset"] = call("capset", 0, 0)
    tried["personality asked"] = call("personality", 0xffffffff)
    tried["personality without random addresses"] = call("personality", 0x0040000)
    tried["personality 32-bit"] = call("personality", 8)
    return tried
