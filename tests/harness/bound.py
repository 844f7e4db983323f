# SPDX-License-Identifier: MIT
"""How much memory the web process may have, by its settings: the formula of README.md ("Overload") in one place."""

import re

__all__ = ["DEFAULTS", "resident_kib", "web_bound_kib"]

DEFAULTS = {"MAX_CONNECTIONS": 2048, "MAX_QUEUE": 64, "MAX_SCRIPT_BYTES": 204800, "MAX_STDOUT_BYTES": 204800,
            "MAX_RESULT_BYTES": 1048576}
IDLE = 8 << 20              # what it holds when it is fresh
CONNECTION = 68 << 10       # 32 KiB of the library, 32 KiB of a small body or answer, and what both know of it
BODIES = ANSWERS = 64 << 20
TREE = 80                   # a value in memory, by its text: the largest result while it is checked


def web_bound_kib(settings, slots):
    """The most that web may hold in KiB, with these settings of the service and so many jobs at once."""
    value = {name: int(settings.get(name, default)) for name, default in DEFAULTS.items()}
    script, stdout, result = value["MAX_SCRIPT_BYTES"], value["MAX_STDOUT_BYTES"], value["MAX_RESULT_BYTES"]
    largest_answer = result + 6 * stdout
    most = (IDLE + value["MAX_CONNECTIONS"] * CONNECTION + BODIES + max(ANSWERS, 2 * largest_answer)
            + (slots + value["MAX_QUEUE"]) * script + 4 * slots * (stdout + result) + TREE * result + 2 * largest_answer)
    return most // 1024


def resident_kib(pid, field="VmRSS"):
    """VmRSS, or VmHWM: the most that it ever was."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return int(re.search(rf"{field}:\s+(\d+)", status.read()).group(1))
