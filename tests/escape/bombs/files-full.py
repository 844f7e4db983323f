# SPDX-License-Identifier: MIT
"""/tmp and /dev/shm are limited in size and in number of files.

At the level "standard" they are measured instead, and the job ends: files-over-the-limit.py and the like.
gVisor cannot count files (src/jail/mounts.c).

needs: strong
layers: mounts
settings: {"TMP_LIMIT_MB": "16"}
expect: {"/tmp/": "ENOSPC", "/dev/shm/": "ENOSPC", "many": "ENOSPC"}
expect gvisor: {"many": "ENOSPC|not bounded"}
"""


def main():
    def fill(place):
        for number in range(40):
            with open(f"{place}{number}", "wb") as file:
                file.write(b"x" * (1 << 20))

    def many():
        for number in range(20000):
            counted[0] = number
            open(f"/tmp/empty{number}", "wb").close()

    counted, tried = [0], {}
    for place in ("/tmp/", "/dev/shm/"):
        tried[place] = attempt(fill, place)
    many = attempt(many)
    return {**tried, "many": many if counted[0] < 16 * 256 else "not bounded"}
