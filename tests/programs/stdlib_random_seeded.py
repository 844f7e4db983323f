# SPDX-License-Identifier: MIT
"""random with a seed: sampling, shuffling, distributions, a Monte Carlo estimate."""
import random


def main():
    rng = random.Random(20240229)
    deck = [f"{rank}{suit}" for suit in "SHDC" for rank in "A23456789TJQK"]
    rng.shuffle(deck)
    inside = sum(rng.random() ** 2 + rng.random() ** 2 <= 1 for _ in range(20000))
    print("hand:", *deck[:5])
    random.seed("text seed")
    return {"hand": deck[:5], "pi": 4 * inside / 20000, "gauss": [rng.gauss(0, 1) for _ in range(3)],
            "choices": rng.choices("abc", weights=[5, 3, 1], k=8), "sample": rng.sample(range(1000), 4),
            "global": random.randint(1, 10**6), "bits": rng.getrandbits(100), "bytes": rng.randbytes(4).hex(),
            "triangular": rng.triangular(0, 10, 3)}
