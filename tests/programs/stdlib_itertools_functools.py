# SPDX-License-Identifier: MIT
"""itertools and functools: pipelines, caching, dispatch, total ordering."""
import functools
import itertools as it
import operator


@functools.lru_cache(maxsize=None)
def ways(amount, coins=(50, 20, 10, 5, 2, 1)):
    if amount == 0:
        return 1
    if amount < 0 or not coins:
        return 0
    return ways(amount - coins[0], coins) + ways(amount, coins[1:])


@functools.singledispatch
def describe(value):
    return f"thing {value!r}"


@describe.register
def _(value: int):
    return f"number {value}"


@describe.register(list)
def _(value):
    return f"list of {len(value)}"


def main():
    words = sorted(["apple", "avocado", "bean", "beet", "cherry"])
    groups = {k: list(g) for k, g in it.groupby(words, key=operator.itemgetter(0))}
    primes = it.takewhile(lambda n: n < 40, (n for n in it.count(2) if all(n % d for d in range(2, n))))
    print(*map("".join, it.permutations("abc", 2)))
    return {"ways": ways(100), "hits": ways.cache_info().hits > 0, "groups": groups, "primes": list(primes),
            "describe": [describe(x) for x in (1, [1, 2], "s")], "chunks": list(it.zip_longest(*[iter(range(7))] * 3)),
            "running": list(it.accumulate([3, 1, 4, 1, 5], max)), "product": functools.reduce(operator.mul, range(1, 25)),
            "pairs": list(it.combinations(range(4), 2))}
