import pandas as pd


def main():
    return [pd.Series([1, 2], index=["a", "b"]), pd.Series([1, 2], index=["a", "a"]),
            pd.Index([3, 4]), pd.Series([0.1]).sum()]
