# SPDX-License-Identifier: MIT
"""Plain Python: matrices, string tricks, recursion, memoised dynamic programming."""
from functools import cache


def transpose(m):
    return [list(row) for row in zip(*m)]


def multiply(a, b):
    return [[sum(x * y for x, y in zip(row, column)) for column in transpose(b)] for row in a]


@cache
def distance(a, b):
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return distance(a[1:], b[1:])
    return 1 + min(distance(a[1:], b), distance(a, b[1:]), distance(a[1:], b[1:]))


def hanoi(n, a="A", b="B", c="C"):
    if n:
        yield from hanoi(n - 1, a, c, b)
        yield f"{a}->{c}"
        yield from hanoi(n - 1, b, a, c)


def spiral(matrix):
    return matrix and list(matrix.pop(0)) + spiral([list(r) for r in zip(*matrix)][::-1])


def main():
    m = [[1, 2], [3, 4]]
    print(" ".join(hanoi(3)))
    print("racecar" == "racecar"[::-1], "abc".center(9, "*"), f"{255:#x} {3.14159:8.3f} {1e6:,.0f}")
    return {"product": multiply(m, transpose(m)), "distance": distance("kitten", "sitting"),
            "spiral": spiral([[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
            "caesar": "".join(chr((ord(c) - 84) % 26 + 97) for c in "uryyb")}
