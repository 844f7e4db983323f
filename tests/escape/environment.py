# SPDX-License-Identifier: MIT
"""The environment is exactly the policy's, in the job and in what it starts; none of the service's is in memory.

layers: the launcher (execve with a fixed list)
expect: {"same": true, "extra": [], "missing": [], "in a child": []}
"""

import os
import subprocess


def main():
    own = dict(item.split("=", 1) for item in read("/proc/self/environ").split("\0") if item)
    wanted = GIVEN["environment"]
    child = subprocess.run(["/usr/bin/env"], capture_output=True, text=True, env=None).stdout.split("\n")
    return {"same": all(own.get(name) == value for name, value in wanted.items()),
            "extra": sorted(set(own) - set(wanted)), "missing": sorted(set(wanted) - set(own)),
            "in a child": sorted({line.partition("=")[0] for line in child if line} - set(wanted) - {"LC_CTYPE"})}
