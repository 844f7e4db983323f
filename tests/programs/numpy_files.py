# SPDX-License-Identifier: MIT
"""numpy: save, load, savez, memmap, loadtxt in the working directory."""
import io

import numpy as np


def main():
    a = np.arange(20, dtype=np.int32).reshape(4, 5)
    np.save("a.npy", a)
    np.savez_compressed("both.npz", a=a, b=a.T)
    big = np.memmap("big.dat", dtype="float64", mode="w+", shape=(1000, 100))
    big[:] = 1.5
    big[10, 10] = -1
    big.flush()
    del big
    again = np.memmap("big.dat", dtype="float64", mode="r", shape=(1000, 100))
    table = np.loadtxt(io.StringIO("# x y\n1 2.5\n3 4.5\n"))
    text = io.StringIO()
    np.savetxt(text, a[:2], fmt="%d", delimiter=",")
    with np.load("both.npz") as both:
        names, same = sorted(both.files), bool((both["b"] == a.T).all())
    print(text.getvalue(), end="")
    return {"same": bool((np.load("a.npy") == a).all()), "names": names, "transposed": same, "sum": again.sum(), "table": table,
            "csv": np.genfromtxt(io.StringIO("a,b\n1,\n2,5"), delimiter=",", names=True)["b"]}
