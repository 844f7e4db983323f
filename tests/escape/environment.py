# SPDX-License-Identifier: MIT
"""The environment is exactly the policy's, in the job and in what it starts; none of the service's is in memory.

At the level "standard" it names the job's own directory instead of /tmp, and a library that the loader is to preload;
where what is in memory cannot be asked for in /proc, it is read where the C library keeps it.

layers: the launcher (execve with a fixed list)
expect: {"same": true, "extra": [], "missing": [], "in a child": []}
"""

import ctypes


def of_the_library():
    """environ(7)."""
    pointer, items = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ"), []
    while pointer[len(items)]:
        items.append(pointer[len(items)].decode())
    return items


def main():
    items = read("/proc/self/environ").split("\0") if PROC else of_the_library()
    own = dict(item.split("=", 1) for item in items if item)
    wanted = {name: value if STRONG else value.replace("/tmp", WORK) for name, value in GIVEN["environment"].items()}
    if SHM and not STRONG:
        wanted["LD_PRELOAD"] = own.get("LD_PRELOAD") if own.get("LD_PRELOAD", "").startswith(runner() + "/") else "ours"
    child = output_of(["/usr/bin/env"], env=None).split("\n")
    return {"same": all(own.get(name) == value for name, value in wanted.items()),
            "extra": sorted(set(own) - set(wanted)), "missing": sorted(set(wanted) - set(own)),
            "in a child": sorted({line.partition("=")[0] for line in child if line} - set(wanted) - {"LC_CTYPE"})}
