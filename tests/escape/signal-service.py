# SPDX-License-Identifier: MIT
"""The processes of the service and of the test have no number in here: they cannot even be asked for.

Signal 0 asks without sending. A number that a process of this job has by chance is left out.
At the level "standard" they have one, since there is no namespace for it: nothing can be sent to them.

layers: pid, own_uid, one_process
expect: {"kill": ["ESRCH"], "pidfd": ["ESRCH"], "tgkill": ["ESRCH"], "seen": [], "tkill": ["ESRCH"], "tried": true,
         "small numbers": true, "sent by pidfd": ["ESRCH"]}
expect standard: {"kill": ["ESRCH|EPERM"], "pidfd": ["ESRCH|EPERM|allowed"], "tgkill": ["ESRCH|EPERM"],
                  "tkill": ["ESRCH|EPERM"], "sent by pidfd": ["ESRCH|EPERM"]}
expect gvisor: {"pidfd": ["ESRCH|EPERM|ENOSYS"]}
"""

import os
import signal


def main():
    pids = [pid for pid in GIVEN["pids"] if pid not in (1, os.getpid())]
    return {"tried": len(pids) > 1, "kill": sorted({attempt(os.kill, pid, 0) for pid in pids}),
            "pidfd": sorted({attempt(lambda: os.close(os.pidfd_open(pid))) for pid in pids}),
            "tgkill": sorted({call("tgkill", pid, pid, 0) for pid in pids}),
            "tkill": sorted({call("tkill", pid, 0) for pid in pids}),
            "seen": [pid for pid in pids if STRONG and os.path.exists(f"/proc/{pid}")],
            "small numbers": not STRONG or os.getpid() < 100 and os.getppid() in (0, 1),
            "sent by pidfd": sorted({attempt(signal.pidfd_send_signal, os.pidfd_open(pid), 0)
                                     if attempt(lambda: os.close(os.pidfd_open(pid))) == "allowed" else "ESRCH"
                                     for pid in pids})}
