# SPDX-License-Identifier: MIT
"""Timers of a nanosecond in every process, of each clock, keep nobody from the deadline.

settings: {"TIME_LIMIT_SEC": "0.5"}
unsafe without: wall
layers: wall
code: TIMEOUT
"""

import ctypes
import os
import signal


def main():
    libc = ctypes.CDLL(None)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    for _ in range(3 * GIVEN["processes"]):
        os.fork()
    spec = (ctypes.c_long * 4)(0, 1, 0, 1)
    for number in range(60):
        timer = ctypes.c_void_p()
        if libc.timer_create((0, 1, 7)[number % 3], None, ctypes.byref(timer)) == 0:
            libc.timer_settime(timer, 0, spec, None)
    for which in (signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.signal({signal.ITIMER_VIRTUAL: signal.SIGVTALRM, signal.ITIMER_PROF: signal.SIGPROF}[which], signal.SIG_IGN)
        signal.setitimer(which, 1e-6, 1e-6)
    while True:
        pass
