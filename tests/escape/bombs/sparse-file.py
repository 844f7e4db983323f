# SPDX-License-Identifier: MIT
"""A file cannot be made long without bytes.

layers: limits
expect: {"truncate": "EFBIG", "seek and write": "EFBIG", "fallocate": "EFBIG", "shared memory": "EFBIG",
         "short": "allowed"}
"""

import os


def main():
    def make(name, length, how):
        with open(name, "wb") as file:
            how(file, length)

    def seek(file, length):
        os.pwrite(file.fileno(), b"x", length)

    huge = 1 << 40
    return {"truncate": attempt(make, WORK + "/a", huge, lambda f, n: f.truncate(n)),
            "seek and write": attempt(make, WORK + "/b", huge, seek),
            "fallocate": attempt(make, WORK + "/c", huge, lambda f, n: os.posix_fallocate(f.fileno(), 0, n)),
            "shared memory": attempt(make, OWN[-1] + "/d", huge, lambda f, n: f.truncate(n)),
            "short": attempt(make, WORK + "/e", 1 << 20, lambda f, n: f.truncate(n))}
