# SPDX-License-Identifier: MIT
"""Only a connected pair of stream sockets can be made: a datagram socket could still send to a name.

layers: filter
expect: {"stream": "allowed", "*": "EPERM"}
"""

import socket


def main():
    kinds = {"datagram": socket.SOCK_DGRAM, "packet": socket.SOCK_SEQPACKET, "raw": socket.SOCK_RAW,
             "rdm": socket.SOCK_RDM, "stream": socket.SOCK_STREAM,
             "datagram-nonblocking": socket.SOCK_DGRAM | socket.SOCK_NONBLOCK}
    tried = {name: attempt(socket.socketpair, socket.AF_UNIX, kind) for name, kind in kinds.items()}
    for name in ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_TIPC", "AF_ALG", "AF_VSOCK"):
        tried[name] = attempt(socket.socketpair, getattr(socket, name), socket.SOCK_STREAM)
    tried["types 6 to 15"] = "EPERM" if {call("socketpair", 1, kind, 0, 0) for kind in range(6,
                                                                                             16)} == {"EPERM"} else "?"
    return tried
