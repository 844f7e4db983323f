# SPDX-License-Identifier: MIT
"""pandas: read messy CSV, clean it, describe it, write it again."""
import io

import pandas as pd

RAW = """Name , Age,City,Income
 ada ,36, Berlin ,"4,200.50"
Bob,,Paris,3100
,29,Rome,
Eve,41,,"5,000"
Bob,,Paris,3100
"""


def main():
    df = pd.read_csv(io.StringIO(RAW), skipinitialspace=True, thousands=",")
    df.columns = df.columns.str.strip().str.lower()
    df["name"] = df["name"].str.strip().str.title()
    df = df.drop_duplicates().reset_index(drop=True)
    df["age"] = df["age"].fillna(df["age"].median())
    df["band"] = pd.cut(df["age"], [0, 30, 40, 120], labels=["young", "middle", "old"]).astype(str)
    out = io.StringIO()
    df.to_csv(out, index=False, float_format="%.2f", lineterminator="\n")
    print(out.getvalue(), end="")
    df.to_csv("clean.csv.gz", index=False)
    return {"rows": df, "missing": df.isna().sum(), "described": df["income"].describe().round(4),
            "back": pd.read_csv("clean.csv.gz").shape, "counts": df["band"].value_counts().sort_index(),
            "query": df.query("age > 35 and income > 4500")["name"].tolist()}
