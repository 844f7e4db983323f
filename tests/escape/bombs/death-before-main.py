# SPDX-License-Identifier: MIT
"""A script that ends its process at import has no result; before its first line nothing of a script is run.

What Python runs by itself at start (sitecustomize, usercustomize, .pth files) it looks for in directories that nobody can
write and in none of the job's, whose own comes to the path when all that is over; PYTHONPATH and the like are not set.

layers: none: how the runner is started
code: EMPTY_OUTPUT
"""

import os
import sys


def can_write(place):
    try:
        open(place + "/sitecustomize.py", "w").close()
    except OSError:
        return False
    return True


WRITABLE = [place for place in [*sys.path, sys.prefix] if os.path.isdir(place) and place != os.getcwd() and can_write(place)]
GIVEN_TO_PYTHON = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"} & set(os.environ)
if not WRITABLE and not GIVEN_TO_PYTHON:
    os._exit(0)


def main():
    return WRITABLE, sorted(GIVEN_TO_PYTHON)
