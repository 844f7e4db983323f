# SPDX-License-Identifier: MIT
"""datetime and zoneinfo: daylight saving, arithmetic, parsing, calendars."""
import calendar
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones


def main():
    berlin, new_york = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
    before = datetime(2024, 3, 31, 1, 30, tzinfo=berlin)
    after = (before.astimezone(timezone.utc) + timedelta(hours=1)).astimezone(berlin)
    meeting = datetime(2024, 7, 1, 9, 0, tzinfo=new_york)
    print(meeting.strftime("%A %d %B %Y %H:%M %Z"))
    ambiguous = [datetime(2024, 10, 27, 2, 30, fold=f, tzinfo=berlin).utcoffset() for f in (0, 1)]
    return {"after": after, "meeting_in_berlin": meeting.astimezone(berlin), "fold": ambiguous,
            "leap": [y for y in range(1896, 1909) if calendar.isleap(y)],
            "days": (date(2024, 12, 24) - date(2024, 2, 29)).days, "iso": date(2024, 12, 30).isocalendar()[:2],
            "parsed": datetime.strptime("05/Nov/2023:10:11:12 +0200", "%d/%b/%Y:%H:%M:%S %z"),
            "zones": len(available_timezones()) > 400, "month": calendar.month(2024, 2)}
