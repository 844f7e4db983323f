# SPDX-License-Identifier: MIT
"""multiprocessing.shared_memory and RawArray: two processes on the same bytes."""
import multiprocessing as mp
from multiprocessing import shared_memory


def fill(name, start):
    block = shared_memory.SharedMemory(name=name)
    for i in range(start, start + 4):
        block.buf[i] = i * i
    block.close()


def double(array):
    for i in range(len(array)):
        array[i] *= 2


def main():
    block = shared_memory.SharedMemory(create=True, size=8)
    try:
        workers = [mp.Process(target=fill, args=(block.name, s)) for s in (0, 4)]
        for p in workers:
            p.start()
        for p in workers:
            p.join()
        content = list(bytes(block.buf[:8]))
    finally:
        block.close()
        block.unlink()
    array = mp.Array("d", [0.5, 1.5])
    p = mp.Process(target=double, args=(array,))
    p.start()
    p.join()
    print(content)
    return {"content": content, "array": list(array)}
