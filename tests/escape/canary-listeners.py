# SPDX-License-Identifier: MIT
"""Listeners that exist on the machine for this test cannot be reached: TCP, UDP, UNIX by path and abstract.

At the level "standard" the name of the one with a path may be seen.

layers: filter, net, mounts
expect: {"*": "EPERM", "tcp": "EPERM", "path": "ENOENT"}
expect standard: {"path": "ENOENT|EACCES|allowed"}
"""

import os
import socket


def main():
    def tcp():
        socket.create_connection(("127.0.0.1", GIVEN["tcp_port"]), 1).close()

    def send(family, address):
        socket.socket(family, socket.SOCK_DGRAM).sendto(b"x", address)

    left = socket.socketpair()[0]
    return {"tcp": attempt(tcp), "udp": attempt(send, socket.AF_INET, ("127.0.0.1", GIVEN["tcp_port"])),
            "tcp6": attempt(socket.socket, socket.AF_INET6), "path": attempt(os.stat, GIVEN["unix_path"]),
            "abstract": attempt(send, socket.AF_UNIX, GIVEN["abstract"]),
            "abstract by a pair": attempt(left.connect, GIVEN["abstract"]),
            "path by a pair": attempt(left.connect, GIVEN["unix_path"])}
