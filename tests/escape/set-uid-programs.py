# SPDX-License-Identifier: MIT
"""Programs with the set-uid bit run with the job's own rights: the loader is told so by the kernel.

Those of the machine, and a copy that the job has made. An image may have none of the former ("found": as many as the
service's machine has, or none).

needs: processes
layers: mounts, identity
expect: {"found": true, "users": [], "secure": [], "own copy": ["own", "0"]}
"""

import os
import shutil
import stat
import subprocess


def told(path):
    """What the kernel tells a started program of itself (getauxval(3)); the loader prints it and ends."""
    out = subprocess.run([path, "--version"], env={"LD_SHOW_AUXV": "1"}, stdin=subprocess.DEVNULL,
                         capture_output=True, text=True, timeout=5, check=False).stdout
    return dict((word.strip() for word in line.split(":", 1)) for line in out.splitlines() if line.startswith("AT_"))


def named(values):
    return "own" if values.get("AT_EUID") == str(os.getuid()) else values.get("AT_EUID", "hidden")


def main():
    users, secure, found = set(), set(), []
    for name in os.listdir("/usr/bin"):
        path = "/usr/bin/" + name
        try:
            mode = os.stat(path).st_mode
        except OSError:
            continue
        if mode & (stat.S_ISUID | stat.S_ISGID) and os.access(path, os.X_OK):
            values = told(path)
            found.append(name)
            users |= {named(values)} - {"own"}
            secure |= {values.get("AT_SECURE", "hidden")} - {"0"}
    shutil.copy("/usr/bin/env", WORK + "/env")
    os.chmod(WORK + "/env", 0o6755)
    copy = told(WORK + "/env")
    return {"found": bool(found) == GIVEN["set-uid programs"], "users": sorted(users), "secure": sorted(secure),
            "own copy": [named(copy), copy.get("AT_SECURE", "hidden")]}
