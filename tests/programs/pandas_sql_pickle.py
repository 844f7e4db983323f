# SPDX-License-Identifier: MIT
"""pandas: SQL through sqlite3, pickle, JSON, apply and vectorised strings."""
import io
import sqlite3

import pandas as pd


def main():
    df = pd.DataFrame({"word": ["kayak", "hello", "level"], "n": [3, 1, 2]})
    with sqlite3.connect("w.db") as db:
        df.to_sql("words", db, index=False)
        top = pd.read_sql("select * from words where n > 1 order by n desc", db)
    df.to_pickle("w.pkl")
    df["palindrome"] = df["word"].apply(lambda w: w == w[::-1])
    df["vowels"] = df["word"].str.count("[aeiou]")
    print(df.sort_values("n").to_csv(index=False), end="")
    return {"top": top, "df": df, "same": bool(pd.read_pickle("w.pkl").equals(df[["word", "n"]])),
            "json": pd.read_json(io.StringIO(df.to_json(orient="split")), orient="split").shape,
            "extracted": df["word"].str.extract(r"([aeiou])")[0], "dummies": pd.get_dummies(df["n"] > 1).sum()}
