import pandas as pd


def main():
    return [pd.Timestamp("2024-03-01 10:00"), pd.Timestamp("2024-03-01", tz="UTC"), pd.NaT, pd.NA,
            pd.Timedelta("90s")]
