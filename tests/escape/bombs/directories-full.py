# SPDX-License-Identifier: MIT
"""Directories, deep and wide, and names for a file use up the number of files like any other; gone is all of it at once.

At the level "standard" they are measured instead: files-too-many.py.

needs: strong, linux
layers: mounts
settings: {"TMP_LIMIT_MB": "16"}
expect: {"deep": "allowed", "wide": "ENOSPC", "links": "ENOSPC"}
"""

import os


def main():
    def deep():
        for _ in range(1000):
            os.mkdir("d")
            os.chdir("d")

    def wide():
        for number in range(20000):
            os.mkdir(f"/tmp/{number}")

    def links():
        open("/dev/shm/file", "wb").close()
        for number in range(20000):
            os.link("/dev/shm/file", f"/dev/shm/{number}")

    return {"deep": attempt(deep), "wide": attempt(wide), "links": attempt(links)}
