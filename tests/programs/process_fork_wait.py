# SPDX-License-Identifier: MIT
"""os.fork, pipes, waitpid, exit statuses and signals between own processes."""
import os
import signal
import sys


def child(body):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(body() or 0)
        finally:
            os._exit(99)
    return pid


def main():
    r, w = os.pipe()
    writer = child(lambda: os.write(w, b"through the pipe") and 3)
    os.close(w)
    data = os.read(r, 100).decode()
    status = os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1])
    sleeper = child(signal.pause)
    os.kill(sleeper, signal.SIGTERM)
    killed = os.waitstatus_to_exitcode(os.waitpid(sleeper, 0)[1])
    caught = []
    signal.signal(signal.SIGUSR1, lambda number, frame: caught.append(signal.Signals(number).name))
    parent = os.getpid()
    os.waitpid(child(lambda: os.kill(parent, signal.SIGUSR1)), 0)
    print("parent done")
    return {"data": data, "status": status, "killed": killed, "caught": caught,
            "nobody": isinstance(_no_children(), ChildProcessError)}


def _no_children():
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError as e:
        return e
