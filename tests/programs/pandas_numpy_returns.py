# SPDX-License-Identifier: MIT
"""pandas and numpy values as they come out of an analysis, returned as they are."""
import numpy as np
import pandas as pd


def main():
    df = pd.DataFrame({"g": ["a", "b", "a"], "v": [1.5, np.nan, 2.5], "n": pd.array([1, None, 3], dtype="Int64"),
                       "t": pd.to_datetime(["2024-01-01", None, "2024-01-03 12:00"]), "ok": [True, False, True]})
    corr = pd.DataFrame(np.arange(9).reshape(3, 3) ** 2, columns=list("xyz")).corr().round(6)
    print(df.dtypes.to_string())
    return {"frame": df, "series": df.set_index("t")["ok"].iloc[[0, 2]], "index": df.columns, "mean": df["v"].mean(),
            "count": df["g"].value_counts(), "corr": corr, "scalar": df["n"].sum(), "missing": [pd.NA, pd.NaT, np.nan],
            "row": df.iloc[0], "mask": df["v"].isna().to_numpy(), "max": df["t"].max(), "delta": df["t"].max() - df["t"].min(),
            "nested": [{"arr": np.array([[1, 2]]), "when": np.datetime64("2024-05-06T07:08")}]}
