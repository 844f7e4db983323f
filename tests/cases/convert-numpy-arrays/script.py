import numpy as np


def main():
    return {"m": np.arange(6).reshape(2, 3), "f": np.array([0.5, np.nan]), "zero": np.array(3),
            "empty": np.zeros((0, 2)), "b": np.array([True, False]), "s": np.array(["a", "bc"])}
