# SPDX-License-Identifier: MIT
"""pickle: classes of the script itself, with every protocol, __reduce__ and copyreg."""
import copyreg
import pickle


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)


class Lazy:
    def __init__(self, n):
        self.n = n

    def __reduce__(self):
        return Lazy, (self.n + 1,)


class Foreign:
    __slots__ = ("v",)


def make_foreign(v):
    f = Foreign()
    f.v = v
    return f


def main():
    copyreg.pickle(Foreign, lambda f: (make_foreign, (f.v,)))
    point = Point(1, [2, 3])
    same = [pickle.loads(pickle.dumps(point, p)) == point for p in range(pickle.HIGHEST_PROTOCOL + 1)]
    print(pickle.dumps(Point).find(b"script") > 0)
    return {"same": same, "lazy": pickle.loads(pickle.dumps(Lazy(1))).n,
            "foreign": pickle.loads(pickle.dumps(make_foreign("v"), 2)).v,
            "function": pickle.loads(pickle.dumps(make_foreign)) is make_foreign}
