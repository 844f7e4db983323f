import numpy as np


def main():
    return {'z': np.complex128(1j)}
