# SPDX-License-Identifier: MIT
"""A job with many busy processes gets no more of the CPUs than the job beside it that has one.

All keep to one CPU, so that it is contested on every machine, and begin at the same moment. Each process of the first job
leaves its session, or the scheduler would share out by sessions where it does that (sched(7), autogroup).

needs: fair cpu
jobs: 2
settings: {"TIME_LIMIT_SEC": "10"}
layers: cgroup
expect: {"in time": true, "had its share": true}
"""

import os
import time

MANY = 30
SHARE = 0.12        # of a CPU: a third is fair while a client works, too, and without groups it is a thirtieth


def main():
    begin, end = GIVEN["until"] + 0.8, GIVEN["until"] + 1.5
    many = GIVEN["job"] == 1
    for _ in range(MANY - 1 if many else 0):
        if os.fork() == 0:
            os.setsid()
            burn(begin, end)
            os._exit(0)
    in_time = time.time() < begin
    share = burn(begin, end)
    return {"in time": in_time, "had its share": many or share > SHARE or share}


def burn(begin, end):
    time.sleep(max(0, begin - time.time()))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    used = time.process_time()
    while time.time() < end:
        pass
    return (time.process_time() - used) / (time.time() - begin)
