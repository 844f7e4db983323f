# SPDX-License-Identifier: MIT
"""multiprocessing.Pool: map, starmap, imap and an error from a worker."""
import multiprocessing as mp


def square(n):
    return n * n


def power(a, b):
    return a ** b


def fail(n):
    raise ValueError(f"bad {n}")


def main():
    with mp.Pool(2) as pool:
        squares = pool.map(square, range(10))
        powers = pool.starmap(power, [(2, 3), (3, 2)])
        lazy = list(pool.imap(square, range(5), chunksize=2))
        later = pool.apply_async(power, (2, 70)).get(timeout=10)
        try:
            pool.map(fail, [7])
            error = None
        except ValueError as e:
            error = str(e)
    print("sum", sum(squares))
    return {"squares": squares, "powers": powers, "lazy": lazy, "later": later, "error": error}
