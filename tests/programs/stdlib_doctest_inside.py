# SPDX-License-Identifier: MIT
"""doctest: examples in docstrings of this module.

>>> fib(10)
55
"""
import doctest
import sys


def fib(n):
    """The n-th Fibonacci number.

    >>> [fib(n) for n in range(8)]
    [0, 1, 1, 2, 3, 5, 8, 13]
    >>> fib(-1)
    Traceback (most recent call last):
      ...
    ValueError: negative
    """
    if n < 0:
        raise ValueError("negative")
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def wrong():
    """
    >>> 1 + 1
    3
    """


def main():
    finder = doctest.DocTestFinder()
    runner = doctest.DocTestRunner(verbose=False)
    for test in sorted(finder.find(sys.modules[__name__]), key=lambda t: t.name):
        runner.run(test, out=lambda text: print(text.splitlines()[-2].strip()))
    return {"attempted": runner.tries, "failed": runner.failures}
