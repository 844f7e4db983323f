# SPDX-License-Identifier: MIT
"""The machine's name is not shown.

layers: uts
expect: {"uname": "sandbox", "gethostname": "sandbox"}
"""

import os
import socket


def main():
    return {"uname": os.uname().nodename, "gethostname": socket.gethostname()}
