# SPDX-License-Identifier: MIT
"""kill(-1) ends the job's other processes and nobody else: the job goes on, and so does the service.

needs: processes
unsafe without: pid, own_uid
layers: pid, own_uid
expect: {"kill": "allowed", "child": "killed by SIGKILL", "alive": true}
"""

import os
import signal
import time


def main():
    pid = os.fork()
    if pid == 0:
        os.setsid()
        time.sleep(30)
    sent = attempt(os.kill, -1, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    return {"kill": sent, "child": "killed by " + signal.Signals(os.WTERMSIG(status)).name, "alive": True}
