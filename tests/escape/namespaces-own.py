# SPDX-License-Identifier: MIT
"""Each namespace is another one than the machine's and than the spawner's.

At the level "standard" that is not promised. Without a /proc a job cannot ask for them; test_a_job_seen_from_outside looks
where the machine shows them.

needs: strong, proc
layers: pid, net, ipc, uts, mounts
expect: {"net": "other", "pid": "other", "ipc": "other", "uts": "other", "mnt": "other", "user": "other",
         "cgroup": "other"}
"""

import os


def main():
    return {name: "not its own" if os.readlink("/proc/self/ns/" + name) in others else "other"
            for name, others in GIVEN["namespaces"].items()}
