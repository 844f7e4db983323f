import numpy as np


def main():
    return [np.int8(-1), np.uint64(2**64 - 1), np.float64(0.1), np.float32(0.5), np.bool_(True),
            np.str_("s"), np.float64("nan"), np.datetime64("2024-01-02")]
