from datetime import date, datetime, time, timedelta, timezone


def main():
    return [datetime(2024, 2, 29, 12, 30, 15, 250000), date(2024, 2, 29), time(1, 2, 3), datetime(2024, 1, 1, tzinfo=timezone.utc), timedelta(minutes=1, milliseconds=500)]
