# SPDX-License-Identifier: MIT
"""The service's program, its sources and its working directory are not to be seen.

At the level "standard" their names may be: nothing of them can be read or listed.

layers: mounts, landlock
expect: {"*": "ENOENT", "found in /usr/bin": [], "text of the program": 0, "opened": ["ENOENT"]}
expect standard: {"*": "ENOENT|EACCES|allowed", "opened": ["ENOENT|EACCES"]}
"""

import os


def main():
    tried = {f"path {n}": attempt(os.lstat, path) for n, path in enumerate(GIVEN["own_paths"])}
    tried["found in /usr/bin"] = [name for name in os.listdir("/usr/bin") if name.startswith("safe-exec") and
                                  os.path.getsize("/usr/bin/" + name) > 0]
    tried["text of the program"] = sum(len(read(path)) for path in GIVEN["own_paths"]
                                       if os.path.isfile(path) and try_read(path) == "allowed")
    tried["opened"] = sorted({try_read(path) for path in GIVEN["own_paths"]})
    return tried
