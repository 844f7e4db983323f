# SPDX-License-Identifier: MIT
"""statistics: descriptive figures, quantiles, regression, a normal distribution."""
import statistics as st


def main():
    heights = [161.2, 170.0, 172.5, 158.9, 181.3, 169.4, 175.0, 166.6]
    weights = [55.1, 68.0, 74.2, 51.7, 88.9, 63.5, 79.0, 60.2]
    line = st.linear_regression(heights, weights)
    normal = st.NormalDist.from_samples(heights)
    print(f"weight = {line.slope:.3f} * height {line.intercept:+.3f}")
    return {"mean": st.mean(heights), "median": st.median(heights), "stdev": st.stdev(heights),
            "mode": st.multimode("aabbc"), "quartiles": st.quantiles(heights, n=4),
            "correlation": st.correlation(heights, weights), "geometric": st.geometric_mean([1, 10, 100]),
            "below_170": normal.cdf(170), "harmonic": st.harmonic_mean([40, 60])}
