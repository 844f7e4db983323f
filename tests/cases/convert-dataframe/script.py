import pandas as pd


def main():
    return pd.DataFrame({"city": ["Oslo", "Rome"], "n": [1, 2], "x": [0.5, None],
                         "day": pd.to_datetime(["2024-01-01", None])})
