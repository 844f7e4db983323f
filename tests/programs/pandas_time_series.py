# SPDX-License-Identifier: MIT
"""pandas: date ranges, resampling, rolling windows, time zones, periods."""
import pandas as pd


def main():
    index = pd.date_range("2024-02-26", periods=10, freq="D", tz="Europe/Paris")
    s = pd.Series(range(10), index=index, dtype="float64")
    weekly = s.resample("W").sum()
    rolling = s.rolling(3).mean()
    moved = s.tz_convert("Asia/Tokyo")
    print(weekly.to_string())
    return {"weekly": weekly, "rolling": rolling.tail(3).tolist(), "tokyo": moved.index[0], "gap": index[-1] - index[0],
            "month": s.groupby(s.index.strftime("%Y-%m")).count(), "shift": s.shift(1).iloc[0], "day": index[3].day_name(),
            "parsed": pd.to_datetime(["2024-01-31", "bad"], errors="coerce"), "quarters": s.tz_localize(None).to_period("M").index[0]}
