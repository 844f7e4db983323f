# SPDX-License-Identifier: MIT
"""fcntl, os, select, selectors: locks, pipes, non-blocking reads, poll."""
import errno
import fcntl
import os
import select
import selectors


def main():
    with open("lock", "w") as a, open("lock", "w") as b:
        fcntl.flock(a, fcntl.LOCK_EX)
        try:
            fcntl.flock(b, fcntl.LOCK_EX | fcntl.LOCK_NB)
            second = "taken twice"
        except BlockingIOError:
            second = "busy"
        fcntl.flock(a, fcntl.LOCK_UN)
        fcntl.lockf(b, fcntl.LOCK_EX | fcntl.LOCK_NB)
    r, w = os.pipe()
    fcntl.fcntl(r, fcntl.F_SETFL, fcntl.fcntl(r, fcntl.F_GETFL) | os.O_NONBLOCK)
    try:
        os.read(r, 1)
        empty = None
    except OSError as e:
        empty = errno.errorcode[e.errno]
    os.write(w, b"ready")
    readable = select.select([r], [], [], 1)[0] == [r]
    poll = select.poll()
    poll.register(r, select.POLLIN)
    events = [e & select.POLLIN for _, e in poll.poll(1000)]
    with selectors.DefaultSelector() as s:
        s.register(r, selectors.EVENT_READ, data="pipe")
        names = [key.data for key, _ in s.select(1)]
    data = os.read(r, 100).decode()
    os.close(w)
    print("closed:", os.read(r, 1) == b"")
    return {"second": second, "empty": empty, "readable": readable, "events": events, "names": names, "data": data,
            "cloexec": fcntl.fcntl(r, fcntl.F_GETFD) & fcntl.FD_CLOEXEC}
