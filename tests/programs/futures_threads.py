# SPDX-License-Identifier: MIT
"""concurrent.futures with threads: map, as_completed, exceptions, callbacks, timeouts."""
import concurrent.futures as cf
import threading
import time


def work(n):
    if n == 3:
        raise LookupError("three")
    return n * n


def main():
    done = []
    with cf.ThreadPoolExecutor(max_workers=4, thread_name_prefix="w") as pool:
        futures = {pool.submit(work, n): n for n in range(6)}
        for future in futures:
            future.add_done_callback(lambda f: done.append(f.exception() is None))
        results = {}
        for future in cf.as_completed(futures):
            n = futures[future]
            results[n] = repr(future.exception()) if future.exception() else future.result()
        mapped = list(pool.map(str.upper, ["a", "b"]))
        gate = threading.Event()
        blocked = pool.submit(gate.wait, 10)
        try:
            blocked.result(timeout=0.05)
            timeout = False
        except cf.TimeoutError:
            timeout = True
        gate.set()
        name = pool.submit(lambda: threading.current_thread().name[0]).result()
    print(sum(done), "of", len(done), "succeeded")
    return {"results": {str(k): results[k] for k in sorted(results)}, "mapped": mapped, "timeout": timeout, "name": name}
