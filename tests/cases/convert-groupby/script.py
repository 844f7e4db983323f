import pandas as pd


def main():
    df = pd.DataFrame({"k": list("aabb"), "v": [1, 2, 3, 4]})
    return df.groupby("k")["v"].mean()
