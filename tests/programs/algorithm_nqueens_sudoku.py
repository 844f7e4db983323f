# SPDX-License-Identifier: MIT
"""Backtracking: eight queens and a sudoku."""

PUZZLE = ("530070000600195000098000060800060003400803001700020006060000280000419005000080079")


def queens(n, row=0, cols=0, left=0, right=0):
    if row == n:
        return 1
    count, free = 0, ~(cols | left | right) & ((1 << n) - 1)
    while free:
        bit = free & -free
        free ^= bit
        count += queens(n, row + 1, cols | bit, (left | bit) << 1, (right | bit) >> 1)
    return count


def candidates(grid, i):
    r, c = divmod(i, 9)
    used = {grid[r * 9 + k] for k in range(9)} | {grid[k * 9 + c] for k in range(9)}
    used |= {grid[(r // 3 * 3 + a) * 9 + c // 3 * 3 + b] for a in range(3) for b in range(3)}
    return [d for d in "123456789" if d not in used]


def solve(grid):
    best = None
    for i, value in enumerate(grid):
        if value == "0":
            options = candidates(grid, i)
            if best is None or len(options) < len(best[1]):
                best = (i, options)
    if best is None:
        return True
    for digit in best[1]:
        grid[best[0]] = digit
        if solve(grid):
            return True
    grid[best[0]] = "0"
    return False


def main():
    grid = list(PUZZLE)
    solve(grid)
    rows = ["".join(grid[i:i + 9]) for i in range(0, 81, 9)]
    print("\n".join(rows))
    return {"queens": [queens(n) for n in range(1, 9)], "rows": rows}
