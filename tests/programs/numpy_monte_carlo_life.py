# SPDX-License-Identifier: MIT
"""numpy: Conway's game of life and a heat equation, step by step."""
import numpy as np


def life(board):
    n = sum(np.roll(np.roll(board, i, 0), j, 1) for i in (-1, 0, 1) for j in (-1, 0, 1)) - board
    return ((n == 3) | (board & (n == 2))).astype(int)


def main():
    board = np.zeros((8, 8), dtype=int)
    board[[0, 1, 2, 2, 2], [1, 2, 0, 1, 2]] = 1
    for _ in range(4):
        board = life(board)
    for row in board:
        print("".join(".#"[v] for v in row))
    rod = np.zeros(20)
    rod[0], rod[-1] = 100, 50
    for _ in range(500):
        rod[1:-1] += 0.4 * (rod[2:] - 2 * rod[1:-1] + rod[:-2])
    return {"alive": board.sum(), "where": np.argwhere(board), "rod": np.round(rod, 4)}
