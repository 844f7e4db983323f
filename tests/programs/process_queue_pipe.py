# SPDX-License-Identifier: MIT
"""multiprocessing.Process with Queue, Pipe, Lock, Value, Event and exit codes."""
import multiprocessing as mp
import sys


def worker(n, queue, lock, total):
    with lock:
        total.value += n
    queue.put((n, n * 10))


def answer(connection):
    while True:
        question = connection.recv()
        if question is None:
            break
        connection.send(question.upper())


def leave(status):
    sys.exit(status)


def main():
    queue, lock, total = mp.Queue(), mp.Lock(), mp.Value("i", 0)
    workers = [mp.Process(target=worker, args=(n, queue, lock, total)) for n in range(4)]
    for p in workers:
        p.start()
    got = sorted(queue.get(timeout=10) for _ in workers)
    for p in workers:
        p.join()
    here, there = mp.Pipe()
    p = mp.Process(target=answer, args=(there,))
    p.start()
    here.send("hello")
    reply = here.recv()
    here.send(None)
    p.join()
    q = mp.Process(target=leave, args=(5,))
    q.start()
    q.join()
    print("total", total.value)
    return {"got": got, "reply": reply, "codes": [p.exitcode for p in workers], "five": q.exitcode}
