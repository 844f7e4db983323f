# SPDX-License-Identifier: MIT
"""time, sched, timeit, calendar: clocks that only go forward."""
import sched
import time
import timeit


def main():
    log = []
    scheduler = sched.scheduler(time.monotonic, time.sleep)
    scheduler.enter(0.04, 1, log.append, ("third",))
    scheduler.enter(0.02, 2, log.append, ("second",))
    scheduler.enter(0.02, 1, log.append, ("first",))
    scheduler.run()
    a, b = time.monotonic(), time.monotonic()
    c = time.process_time()
    time.sleep(0.01)
    print(*log)
    return {"log": log, "forward": a <= b, "cpu": time.process_time() - c < 5, "epoch": time.gmtime(0)[:6],
            "stamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_000_000_000)), "ns": time.time_ns() > 10**18,
            "timeit": timeit.timeit("1 + 1", number=10) >= 0, "parsed": time.strptime("12 Mar 2024", "%d %b %Y")[:3]}
