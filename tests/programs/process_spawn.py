# SPDX-License-Identifier: MIT
"""multiprocessing with the spawn start method: children import the script again."""
import multiprocessing as mp

LOADED_AS = __name__


def main():
    context = mp.get_context("spawn")
    queue = context.Queue()
    p = context.Process(target=put, args=(queue, "from the child"))
    p.start()
    text = queue.get(timeout=20)
    p.join()
    with context.Pool(1) as pool:
        rows = pool.map(triple, [1, 2, 3])
    print(text)
    return {"text": text, "rows": rows, "code": p.exitcode, "module": LOADED_AS}


def put(queue, text):
    queue.put(text)


def triple(n):
    return n * 3
