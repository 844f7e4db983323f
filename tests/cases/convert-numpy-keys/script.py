import numpy as np


def main():
    return {np.int64(3): "a", np.str_("k"): "b"}
