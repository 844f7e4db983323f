# SPDX-License-Identifier: MIT
"""A job is an ordinary user without groups and capabilities, can gain none, and is under a filter.

At the level "standard" its uid is any but root's. Without a /proc it is asked of the kernel itself, where the filter lets
it: the filter is what the other scripts are about. Only root can empty the bounding set; of an ordinary user it stays what
it was.

layers: identity, filter
expect: {"Uid": "1000 1000 1000 1000", "Gid": "1000 1000 1000 1000", "Groups": "", "CapInh": "0", "CapPrm": "0",
         "CapEff": "0", "CapBnd": "0", "CapAmb": "0", "NoNewPrivs": "1", "Seccomp": "2", "Seccomp_filters": "1|2|3",
         "in a child": true}
expect standard: {"Uid": "one", "Gid": "one", "CapBnd": "0|hidden", "CapAmb": "0|hidden", "NoNewPrivs": "1|hidden",
                  "Seccomp": "2|hidden", "Seccomp_filters": "hidden", "root": "EPERM"}
expect one process: {"CapBnd": "0|1|0,1|hidden"}
expect without proc: {"Uid": "1000 1000 1000", "Gid": "1000 1000 1000", "CapBnd": "0|hidden", "CapAmb": "0|hidden",
                      "NoNewPrivs": "1|hidden", "Seccomp": "2|hidden", "Seccomp_filters": "hidden", "root": "EPERM"}
"""

import ctypes
import os

FIELDS = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
          "Seccomp_filters")


def fields(text):
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    values = {name: " ".join(lines[name].split()) for name in FIELDS if name in lines}
    values["Groups"] = values["Groups"].replace("65534", "").strip()  # a group without a mapping, as an ordinary user
    return {name: value.lstrip("0") or "0" if name.startswith("Cap") else value for name, value in values.items()}


def one(ids):
    """At the level "standard" "one", if it is one id and not root's."""
    return "one" if not STRONG and len(set(ids)) == 1 and 0 not in ids else " ".join(map(str, ids))


def not_to_be_left():
    """What an ordinary user keeps in its list: in a namespace a group without a mapping, else, and on gVisor, its own."""
    own = {os.getgid()} if GIVEN["gvisor"] or not GIVEN["processes"] else set()
    return own | {65534} if STRONG else own


def by_prctl(option, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    answer = libc.prctl(option, *arguments)
    return str(answer) if answer >= 0 else "hidden" if ctypes.get_errno() in (1, 38) else "failed"


def asked():
    """The same by system calls: getresuid(2), capget(2), prctl(2)."""
    head, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    got = call("capget", ctypes.addressof(head), ctypes.addressof(sets))
    names = dict(CapEff=0, CapPrm=1, CapInh=2)
    found = {name: "0" if got == "allowed" and sets[n] == sets[n + 3] == 0 else got + str(list(sets))
             for name, n in names.items()}
    bounds = {by_prctl(23, cap, 0, 0, 0) for cap in range(38)}
    ambient = {by_prctl(47, 1, cap, 0, 0) for cap in range(38)}
    return {**found, "Uid": one(os.getresuid()), "Gid": one(os.getresgid()), 
            "Groups": "".join(str(group) for group in os.getgroups() if group not in not_to_be_left()),
            "CapBnd": ",".join(sorted(bounds)), "CapAmb": ",".join(sorted(ambient)), "NoNewPrivs": by_prctl(39, 0, 0, 0, 0),
            "Seccomp": by_prctl(21, 0, 0, 0, 0), "Seccomp_filters": "hidden", "in a child": True,
            "root": attempt(os.setuid, 0)}


def main():
    if not PROC:
        return asked()
    own = fields(read("/proc/self/status"))
    child = fields(output_of(["/usr/bin/cat", "/proc/self/status"]))
    own["in a child"] = child == fields(read("/proc/self/status"))
    return own
