# SPDX-License-Identifier: MIT
"""pandas: groupby, agg, transform, pivot tables and crosstabs."""
import pandas as pd


def main():
    df = pd.DataFrame({"region": list("NSNSEN"), "product": list("aabbab"), "units": [10, 20, 30, 40, 50, 60],
                       "price": [1.5, 2.0, 1.0, 2.5, 3.0, 0.5]})
    df["revenue"] = df["units"] * df["price"]
    summary = df.groupby("region").agg(units=("units", "sum"), mean=("revenue", "mean")).reset_index()
    df["share"] = (df["revenue"] / df.groupby("region")["revenue"].transform("sum")).round(6)
    pivot = df.pivot_table(index="region", columns="product", values="units", aggfunc="sum", fill_value=0)
    print(summary.to_string(index=False))
    print(pivot)
    return {"summary": summary, "top": df.nlargest(2, "revenue"), "pivot": pivot.to_dict("index"),
            "cross": pd.crosstab(df["region"], df["product"]).to_dict(), "share": df["share"]}
