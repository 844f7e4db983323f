# SPDX-License-Identifier: MIT
"""A job is an ordinary user without groups and capabilities, can gain none, and is under a filter.

layers: identity, filter
expect: {"Uid": "1000 1000 1000 1000", "Gid": "1000 1000 1000 1000", "Groups": "", "CapInh": "0", "CapPrm": "0",
         "CapEff": "0", "CapBnd": "0", "CapAmb": "0", "NoNewPrivs": "1", "Seccomp": "2", "Seccomp_filters": "1|2|3",
         "in a child": true}
"""

import os
import subprocess

FIELDS = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
          "Seccomp_filters")


def fields(text):
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    values = {name: " ".join(lines[name].split()) for name in FIELDS if name in lines}
    values["Groups"] = values["Groups"].replace("65534", "").strip()  # a group without a mapping, as an ordinary user
    return {name: value.lstrip("0") or "0" if name.startswith("Cap") else value for name, value in values.items()}


def main():
    own = fields(read("/proc/self/status"))
    child = fields(subprocess.run(["/usr/bin/cat", "/proc/self/status"], capture_output=True, text=True).stdout)
    own["in a child"] = child == fields(read("/proc/self/status"))
    return own
