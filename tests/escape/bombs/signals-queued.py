# SPDX-License-Identifier: MIT
"""Signals that wait are the kernel's memory, and few: queued real-time signals, and timers, each of which keeps one ready.

A job that is one process may not queue any. An ordinary user's jobs share their number with the user's other processes.

needs: linux
layers: limits
expect: {"queued": "EAGAIN", "many queued": false, "timers": "EAGAIN", "many timers": false}
expect one process: {"queued": "EPERM"}
"""

import ctypes
import os
import signal


def main():
    libc = ctypes.CDLL(None, use_errno=True)

    def until_refused(function):
        for count in range(5000):
            if function():
                return name_of(ctypes.get_errno()), count > 1024
        return "allowed", True

    def queue():
        return libc.sigqueue(os.getpid(), signal.SIGRTMIN + 3, ctypes.c_void_p(1))

    def make_timer():
        return libc.timer_create(0, None, ctypes.byref(ctypes.c_void_p()))

    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    timers, many_timers = until_refused(make_timer)
    signals, many_signals = until_refused(queue)
    return {"queued": signals, "many queued": many_signals, "timers": timers, "many timers": many_timers}
