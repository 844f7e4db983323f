# SPDX-License-Identifier: MIT
"""decimal and fractions: money, contexts, exact arithmetic."""
from decimal import ROUND_HALF_EVEN, Decimal, getcontext, localcontext
from fractions import Fraction


def machin_pi(digits):
    with localcontext() as context:
        context.prec = digits + 5

        def arctan(inverse):
            x = Decimal(1) / inverse
            total, term, n, sign = x, x, 3, -1
            square = x * x
            while True:
                term *= square
                addend = term / n
                if addend < Decimal(10) ** -(digits + 4):
                    return total
                total += sign * addend
                n, sign = n + 2, -sign

        return +(4 * (4 * arctan(5) - arctan(239)))


def main():
    prices = [Decimal("19.99"), Decimal("0.10"), Decimal("0.20")]
    rounded = sum(prices).quantize(Decimal("0.1"), ROUND_HALF_EVEN)
    pi = str(machin_pi(60))[:62]
    print(pi)
    getcontext().prec = 6
    harmonic = sum(Fraction(1, n) for n in range(1, 20))
    return {"sum": sum(prices), "rounded": rounded, "seventh": Decimal(1) / 7, "harmonic": str(harmonic),
            "limited": str(Fraction(3.141592653589793).limit_denominator(1000)), "pi": pi}
