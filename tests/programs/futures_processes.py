# SPDX-License-Identifier: MIT
"""concurrent.futures with processes: CPU work, initializers, a broken pool."""
import concurrent.futures as cf
import os
from concurrent.futures.process import BrokenProcessPool

OFFSET = 0


def setup(value):
    global OFFSET
    OFFSET = value


def collatz(n):
    steps = OFFSET
    while n != 1:
        n = n * 3 + 1 if n % 2 else n // 2
        steps += 1
    return steps


def main():
    with cf.ProcessPoolExecutor(max_workers=2, initializer=setup, initargs=(1000,)) as pool:
        steps = list(pool.map(collatz, [27, 97, 871], chunksize=1))
    try:
        with cf.ProcessPoolExecutor(max_workers=1) as pool:
            pool.submit(os._exit, 1).result(timeout=20)
        broken = False
    except BrokenProcessPool:
        broken = True
    print(steps)
    return {"steps": steps, "broken": broken, "here": collatz(6)}
