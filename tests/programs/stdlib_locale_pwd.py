# SPDX-License-Identifier: MIT
"""locale, pwd, grp, getpass, platform, mimetypes: what a program asks of its system."""
import locale
import mimetypes
import os
import sys
import time


def main():
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    print("Zürich 東京")
    return {"encoding": sys.getfilesystemencoding(), "preferred": locale.getpreferredencoding(False),
            "number": locale.format_string("%d", 1234567, grouping=True), "sorted": sorted(["b", "a", "B"], key=locale.strxfrm),
            "winter": time.strftime("%H:%M %Z", time.localtime(1700000000)),
            "mime": [mimetypes.guess_type(n)[0] for n in ("a.png", "b.json", "c.html")],
            "linux": sys.platform, "posix": os.name, "umask_settable": isinstance(os.umask(0o22), int)}
