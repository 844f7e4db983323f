# SPDX-License-Identifier: MIT
"""What happens to a process whose result is out changes nothing for who asked; children that are left go with it.

layers: none: the reader of the pipes (early answer)
expect: "returned"
within: 1.5
"""

import os
import signal
import threading
import time


def kill_when_sent():
    while True:
        try:
            os.fstat(3)
        except OSError:  # closed: the runner has said all
            os.kill(os.getpid(), signal.SIGKILL)


def main():
    for _ in range(5 * GIVEN["processes"]):
        if os.fork() == 0:
            time.sleep(30)
    threading.Thread(target=kill_when_sent, daemon=True).start()
    return "returned"
