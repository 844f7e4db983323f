import numpy as np


def main():
    return float(np.ones((40000, 40000)).sum())
