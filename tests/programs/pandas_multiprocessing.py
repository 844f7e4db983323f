# SPDX-License-Identifier: MIT
"""pandas in worker processes: split a frame, work on the parts, put it together."""
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd


def summarise(part):
    return part.groupby("key")["value"].agg(["sum", "count"])


def main():
    df = pd.DataFrame({"key": np.arange(1000) % 7, "value": np.arange(1000)})
    parts = [df.iloc[i:i + 250] for i in range(0, 1000, 250)]
    with ProcessPoolExecutor(2) as pool:
        total = pd.concat(pool.map(summarise, parts)).groupby(level=0).sum()
    print(total.to_string())
    return {"equal": bool(total["sum"].equals(df.groupby("key")["value"].sum().rename("sum"))), "total": total}
