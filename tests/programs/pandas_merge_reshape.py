# SPDX-License-Identifier: MIT
"""pandas: merge, concat, melt, stack, multi-indexes, categories."""
import pandas as pd


def main():
    people = pd.DataFrame({"id": [1, 2, 3], "name": ["Ada", "Bob", "Cyd"]})
    orders = pd.DataFrame({"id": [1, 1, 3, 4], "total": [5.5, 7.25, 1.0, 9.0]})
    joined = people.merge(orders, on="id", how="outer", indicator=True)
    wide = pd.DataFrame({"city": ["A", "B"], "2022": [1, 2], "2023": [3, 4]})
    long = wide.melt(id_vars="city", var_name="year", value_name="n")
    stacked = long.set_index(["city", "year"])["n"].unstack()
    sizes = pd.Categorical(["s", "l", "m", "s"], categories=["s", "m", "l"], ordered=True)
    both = pd.concat([people, people.tail(1)], ignore_index=True).drop_duplicates()
    print(joined.to_string())
    joined["_merge"] = joined["_merge"].astype(str)
    return {"joined": joined, "long": long, "stacked": stacked.to_dict(), "sizes": pd.Series(sizes).sort_values().tolist(),
            "both": len(both), "biggest": sizes.max()}
