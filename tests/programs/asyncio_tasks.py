# SPDX-License-Identifier: MIT
"""asyncio: gather, queues, locks, timeouts, cancellation, async generators."""
import asyncio


async def producer(queue, n):
    for i in range(n):
        await queue.put(i)
        await asyncio.sleep(0)
    await queue.put(None)


async def consumer(queue):
    total = 0
    while (item := await queue.get()) is not None:
        total += item
    return total


async def countdown(n):
    while n:
        yield n
        n -= 1
        await asyncio.sleep(0)


async def cancelled_cleanly(log):
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        log.append("cleaned up")
        raise


async def main():
    queue, log = asyncio.Queue(maxsize=3), []
    _, total = await asyncio.gather(producer(queue, 20), consumer(queue))
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.01)
    except asyncio.TimeoutError:
        log.append("timed out")
    task = asyncio.create_task(cancelled_cleanly(log))
    await asyncio.sleep(0)
    task.cancel()
    results = await asyncio.gather(task, return_exceptions=True)
    lock = asyncio.Lock()
    async with lock:
        log.append(lock.locked())
    print(*log)
    threaded = await asyncio.to_thread(sum, range(101))
    return {"total": total, "log": log, "error": type(results[0]).__name__, "thread": threaded,
            "countdown": [n async for n in countdown(3)]}
