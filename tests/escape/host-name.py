# SPDX-License-Identifier: MIT
"""The machine's name is not shown.

At the level "standard" that is not promised.

needs: strong
layers: uts
expect: {"uname": "sandbox", "gethostname": "sandbox"}
"""

import os
import socket


def main():
    return {"uname": os.uname().nodename, "gethostname": socket.gethostname()}
