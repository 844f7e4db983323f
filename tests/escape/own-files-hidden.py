# SPDX-License-Identifier: MIT
"""The service's program, its sources and its working directory are not to be seen.

layers: mounts
expect: {"*": "ENOENT", "found in /usr/bin": [], "text of the program": 0}
"""

import os


def main():
    tried = {f"path {n}": attempt(os.lstat, path) for n, path in enumerate(GIVEN["own_paths"])}
    tried["found in /usr/bin"] = [name for name in os.listdir("/usr/bin") if name.startswith("safe-exec") and
                                  os.path.getsize("/usr/bin/" + name) > 0]
    tried["text of the program"] = sum(len(read(path)) for path in GIVEN["own_paths"] if os.path.isfile(path))
    return tried
