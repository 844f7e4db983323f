# SPDX-License-Identifier: MIT
"""The mount table shows the runtime and no path of the machine; everything but /tmp, /dev/shm is read-only; no set-uid.

At the level "standard" there is no mount table of its own, and the machine's cannot be read: read-proc.py.

needs: strong
layers: mounts, readonly, proc
expect: {"writable": ["/dev/shm", "/tmp"], "with set-uid": [], "with devices": [], "strange": []}
"""


def main():
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
