# SPDX-License-Identifier: MIT
"""numpy.random with a seed: generators, distributions, bootstrap."""
import numpy as np


def main():
    rng = np.random.default_rng(42)
    sample = rng.normal(10, 2, size=200)
    boot = np.array([rng.choice(sample, sample.size).mean() for _ in range(200)])
    np.random.seed(7)
    legacy = np.random.randint(0, 100, 5)
    print(f"mean {sample.mean():.4f}")
    return {"first": sample[:3], "interval": np.round(np.percentile(boot, [2.5, 97.5]), 6), "legacy": legacy,
            "rand": np.random.rand(2), "shuffle": rng.permutation(5), "binomial": rng.binomial(10, 0.5, 4),
            "histogram": np.histogram(sample, bins=4)[0], "integers": rng.integers(0, 10, 5)}
