# SPDX-License-Identifier: MIT
"""Where no level is possible the service does not start, and says why. Run by tests/platform/run on such platforms alone."""

import re

from container import run_image


def test_it_refuses_to_start_in_words():
    """The reason is in the log: a line for each level that was tried, or one for all."""
    done = run_image()
    log = done.stdout + done.stderr
    assert done.returncode not in (0, 125, 126, 127), f"it ended with {done.returncode}:\n{log}"
    assert "serving" not in log
    words = [line for line in log.splitlines() if "safe-exec" in line]
    assert any(re.search(r"namespace|Landlock|landlock|uid", line) for line in words), log


def test_check_refuses_too():
    """safe-exec --check ends as a start would."""
    assert run_image("--check").returncode not in (0, 125, 126, 127)
