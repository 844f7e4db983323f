# SPDX-License-Identifier: MIT
"""Number theory with big integers: sieve, Miller-Rabin, RSA by hand."""
import math


def sieve(limit):
    flags = bytearray([1]) * (limit + 1)
    flags[:2] = b"\0\0"
    for n in range(2, math.isqrt(limit) + 1):
        if flags[n]:
            flags[n * n::n] = bytes(len(range(n * n, limit + 1, n)))
    return [n for n, f in enumerate(flags) if f]


def probably_prime(n):
    if n < 2:
        return False
    for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        if n % p == 0:
            return n == p
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for a in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        x = pow(a, d, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def main():
    p, q, e = 2**127 - 1, 2**89 - 1, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    secret = int.from_bytes(b"attack at dawn", "big")
    coded = pow(secret, e, p * q)
    print(pow(coded, d, p * q).to_bytes(14, "big").decode())
    return {"primes": len(sieve(100000)), "mersenne": [n for n in range(2, 130) if probably_prime(2**n - 1)],
            "coded": coded, "factorial": math.factorial(60), "comb": math.comb(200, 100), "gcd": math.gcd(2**60, 6**20)}
