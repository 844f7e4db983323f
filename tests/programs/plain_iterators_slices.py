# SPDX-License-Identifier: MIT
"""Slices, iterators, comprehensions, unpacking, walrus, match, f-strings."""


class Countdown:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.n <= 0:
            raise StopIteration
        self.n -= 1
        return self.n + 1

    def __getitem__(self, key):
        return [key.start, key.stop, key.step] if isinstance(key, slice) else key

    def __contains__(self, item):
        return item == "anything"


def kind(value):
    match value:
        case {"type": "circle", "r": r} if r > 0:
            return f"circle {r}"
        case [first, *rest]:
            return f"list {first}+{len(rest)}"
        case str() | bytes():
            return "text"
        case None:
            return "nothing"
        case _:
            return "other"


def main():
    first, *middle, last = range(6)
    grid = {(x, y): x * y for x in range(3) for y in range(3) if x <= y}
    values = [y for x in range(10) if (y := x * x) % 2]
    name, width = "Ω", 7
    print(f"{name!r:>{width}} {name:^5}|{3.14159:.2e}|{42:08b}|{width=}")
    return {"unpacked": [first, middle, last], "grid": [[list(k), v] for k, v in grid.items()], "values": values,
            "kinds": [kind(v) for v in ({"type": "circle", "r": 2}, [1, 2, 3], "s", None, 5)], "countdown": list(Countdown(3)),
            "slice": Countdown(1)[1:5:2], "in": "anything" in Countdown(1), "reversed": "abc"[::-1], "every": list(range(20))[3:15:4]}
