# SPDX-License-Identifier: MIT
"""The machine's clock and names cannot be set.

layers: filter
expect: {"*": "EPERM", "sethostname": "EPERM"}
"""


def main():
    return calls("clock_settime", "clock_adjtime", "settimeofday", "adjtimex", "sethostname", "setdomainname")
