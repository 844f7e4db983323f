# SPDX-License-Identifier: MIT
"""threading: locks, conditions, semaphores, barriers, timers, locals, queues."""
import queue
import threading


def main():
    counter, lock = {"n": 0}, threading.Lock()
    barrier, local, arrived = threading.Barrier(4), threading.local(), []

    def bump():
        local.mine = threading.get_ident()
        barrier.wait()
        for _ in range(1000):
            with lock:
                counter["n"] += 1
        arrived.append(local.mine == threading.get_ident())

    threads = [threading.Thread(target=bump) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    jobs, results = queue.Queue(maxsize=2), queue.PriorityQueue()

    def consume():
        while (item := jobs.get()) is not None:
            results.put(-item)
            jobs.task_done()

    consumer = threading.Thread(target=consume)
    consumer.start()
    for n in range(5):
        jobs.put(n)
    jobs.join()
    jobs.put(None)
    consumer.join()
    fired = threading.Event()
    threading.Timer(0.01, fired.set).start()
    semaphore = threading.BoundedSemaphore(1)
    semaphore.acquire()
    print("count", counter["n"])
    return {"arrived": arrived, "results": [results.get() for _ in range(5)], "fired": fired.wait(5),
            "free": semaphore.acquire(blocking=False), "main": threading.main_thread() is threading.current_thread()}
