# SPDX-License-Identifier: MIT
"""numpy arrays: broadcasting, masks, strides, ufuncs, structured records, printing."""
import numpy as np


def main():
    a = np.arange(12).reshape(3, 4)
    b = a * np.array([1, 10, 100, 1000]) + np.array([[1], [2], [3]])
    mask = a % 3 == 0
    people = np.array([("Ada", 36, 1.70), ("Bob", 25, 1.82)], dtype=[("name", "U10"), ("age", "i4"), ("height", "f8")])
    windows = np.lib.stride_tricks.sliding_window_view(np.arange(6), 3)
    print(b)
    print(np.array2string(np.linspace(0, 1, 5), precision=3))
    return {"b": b, "masked": a[mask], "where": np.where(mask, -1, a), "oldest": people[np.argsort(people["age"])]["name"][::-1],
            "windows": windows.sum(axis=1), "einsum": np.einsum("ij,kj->ik", a, a), "cumulative": np.cumsum([1, 2, 3]),
            "unique": dict(zip(*[x.tolist() for x in np.unique(list("banana"), return_counts=True)])),
            "overflow": np.array([250], dtype=np.uint8) + np.uint8(10), "nan": np.nanmean([1, np.nan, 3]), "types": [a.dtype.kind, b.shape]}
