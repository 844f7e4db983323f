# SPDX-License-Identifier: MIT
"""A process whose first thread ends goes on in the others, and is over with the last of them.

layers: none: the kernel's report
code: EMPTY_OUTPUT
within: 1.5
"""

import threading
import time


def main():
    threading.Thread(target=time.sleep, args=(0.05,)).start()
    threading.Thread(target=lambda: (time.sleep(0.1), call("exit_group", 0))).start()
    call("exit", 0)  # of this thread alone
