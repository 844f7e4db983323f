# SPDX-License-Identifier: MIT
"""What sockets are used with is refused on any descriptor, the pair included: connect, bind, listen, accept.

layers: filter
expect: {"*": "EPERM", "listen on a pair": "EPERM", "reconnect a pair": "EPERM"}
"""

import socket


def main():
    left, right = socket.socketpair()
    tried = {name + " on 0": call(name, 0, 0, 0, 0) for name in ("connect", "bind", "listen", "accept", "accept4",
                                                                 "sendmmsg", "recvmmsg")}
    tried["listen on a pair"] = attempt(left.listen, 1)
    tried["reconnect a pair"] = attempt(right.connect, "\0any")
    tried["bind a pair"] = attempt(right.bind, "\0any")
    tried["filter on a pair"] = call("setsockopt", left.fileno(), socket.SOL_SOCKET, 26, 0, 0)
    tried["bpf on a pair"] = call("setsockopt", left.fileno(), socket.SOL_SOCKET, 50, 0, 0)
    tried["option of IP"] = call("setsockopt", left.fileno(), 0, 1, 0, 0)
    return tried
