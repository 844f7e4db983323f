# SPDX-License-Identifier: MIT
"""The processes of the service and of the test have no number in here: they cannot even be asked for.

Signal 0 asks without sending. A number that a process of this job has by chance is left out.

layers: pid
expect: {"kill": ["ESRCH"], "pidfd": ["ESRCH"], "tgkill": ["ESRCH"], "seen": [], "tkill": ["ESRCH"], "tried": true,
         "small numbers": true}
"""

import os


def main():
    pids = [pid for pid in GIVEN["pids"] if pid not in (1, os.getpid())]
    return {"tried": len(pids) > 1, "kill": sorted({attempt(os.kill, pid, 0) for pid in pids}),
            "pidfd": sorted({attempt(lambda: os.close(os.pidfd_open(pid))) for pid in pids}),
            "tgkill": sorted({call("tgkill", pid, pid, 0) for pid in pids}),
            "tkill": sorted({call("tkill", pid, 0) for pid in pids}),
            "seen": [pid for pid in pids if os.path.exists(f"/proc/{pid}")],
            "small numbers": os.getpid() < 100 and os.getppid() in (0, 1)}
