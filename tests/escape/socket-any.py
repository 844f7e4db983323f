# SPDX-License-Identifier: MIT
"""No socket of any family and any type can be made.

layers: filter
expect: {"families": 48, "AF_INET": "EPERM", "AF_UNIX": "EPERM", "every": ["EPERM"]}
"""

import socket


def main():
    every = {call("socket", family, kind, 0)
             for family in range(48) for kind in (1, 2, 3, 4, 5, 6, 10, 1 | 0o4000, 1 | 0o2000000)}
    return {"families": 48, "every": sorted(every),
            "AF_INET": attempt(socket.socket, socket.AF_INET, socket.SOCK_DGRAM),
            "AF_UNIX": attempt(socket.socket, socket.AF_UNIX, socket.SOCK_STREAM)}
