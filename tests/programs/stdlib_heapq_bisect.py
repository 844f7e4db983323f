# SPDX-License-Identifier: MIT
"""heapq and bisect: shortest paths and a sorted table of grades."""
import bisect
import heapq

ROADS = {"A": {"B": 7, "C": 9, "F": 14}, "B": {"A": 7, "C": 10, "D": 15},
         "C": {"A": 9, "B": 10, "D": 11, "F": 2}, "D": {"B": 15, "C": 11, "E": 6},
         "E": {"D": 6, "F": 9}, "F": {"A": 14, "C": 2, "E": 9}}


def shortest(start):
    best, queue = {}, [(0, start, None)]
    while queue:
        cost, node, via = heapq.heappop(queue)
        if node in best:
            continue
        best[node] = (cost, via)
        for neighbour, length in ROADS[node].items():
            if neighbour not in best:
                heapq.heappush(queue, (cost + length, neighbour, node))
    return best


def main():
    best = shortest("A")
    path, node = [], "E"
    while node:
        path.append(node)
        node = best[node][1]
    print(" -> ".join(reversed(path)))
    table = []
    for score in (77, 42, 95, 60):
        bisect.insort(table, score)
    return {"costs": {k: v[0] for k, v in sorted(best.items())}, "table": table,
            "grades": ["FDCBA"[bisect.bisect([50, 60, 70, 90], s)] for s in table],
            "merged": list(heapq.merge([1, 4], [2, 3])), "largest": heapq.nlargest(2, table)}
