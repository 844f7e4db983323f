# SPDX-License-Identifier: MIT
"""signal: alarm, setitimer, handlers, masks; a timeout for a slow function."""
import signal
import time


class Slow(Exception):
    pass


def with_timeout(seconds, function):
    def ring(number, frame):
        raise Slow

    previous = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return function()
    except Slow:
        return "too slow"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def main():
    slow = with_timeout(0.05, lambda: time.sleep(5))
    quick = with_timeout(5, lambda: "quick")
    seen = []
    signal.signal(signal.SIGUSR1, lambda n, f: seen.append(n))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    signal.raise_signal(signal.SIGUSR1)
    pending = signal.SIGUSR1 in signal.sigpending()
    held = list(seen)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
    try:
        signal.raise_signal(signal.SIGINT)
        interrupted = False
    except KeyboardInterrupt:
        interrupted = True
    print(slow, quick)
    return {"slow": slow, "quick": quick, "pending": pending, "held": held, "seen": [int(s) for s in seen],
            "interrupted": interrupted}
