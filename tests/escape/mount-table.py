# SPDX-License-Identifier: MIT
"""The mount table shows the runtime and no path of the machine; everything but /tmp, /dev/shm is read-only; no set-uid.

At the level "standard" there is no mount table of its own, and the machine's cannot be read: read-proc.py. Without a /proc
each place is asked for its flags (statvfs(3)), and nothing shows the table.

needs: strong
layers: mounts, readonly, proc
expect: {"writable": ["/dev/shm", "/tmp"], "with set-uid": [], "with devices": [], "strange": []}
"""

import os


def of_places():
    """The same by the flags of each place that a job may have."""
    places = ["/", *("/" + name for name in os.listdir("/")), "/dev/shm", "/var/tmp", runner(), os.path.dirname(os.__file__)]
    flags = {os.path.realpath(place): os.statvfs(place).f_flag for place in places if os.path.isdir(place)}
    return {"writable": sorted({place for place in flags if not flags[place] & os.ST_RDONLY}),
            "with set-uid": sorted(place for place in flags if not flags[place] & os.ST_NOSUID),
            "with devices": sorted(place for place in flags if not flags[place] & 4), "strange": []}


def main():
    if not PROC:
        return of_places()
    writable, suid, devices, strange = [], [], [], []
    for line in read("/proc/self/mountinfo").splitlines():
        fields = line.split(" - ")[0].split()
        place, options = fields[4], set(fields[5].split(","))
        if place.startswith("/dev/") and place != "/dev/shm":
            continue  # the five devices: checked by devices.py
        if "ro" not in options and not place.startswith("/proc"):
            writable.append(place)
        if "nosuid" not in options:
            suid.append(place)
        if "nodev" not in options:
            devices.append(place)
        strange += [line for word in GIVEN["host_words"] if word in line]
    return {"writable": sorted(writable), "with set-uid": suid, "with devices": devices, "strange": strange}
