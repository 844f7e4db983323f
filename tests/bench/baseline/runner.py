# SPDX-License-Identifier: MIT
"""Runs in the sandbox of the baseline: limits itself, calls main() of /job/script.py, prints the answer."""

import contextlib
import io
import json
import resource
import sys

_MIB = 1 << 20
_LIMITS = {
    resource.RLIMIT_CPU: 30,
    resource.RLIMIT_AS: 2048 * _MIB,
    resource.RLIMIT_FSIZE: 10 * _MIB,
    resource.RLIMIT_NOFILE: 256,
    resource.RLIMIT_CORE: 0,
}


def main():
    """One job."""
    for limit, value in _LIMITS.items():
        resource.setrlimit(limit, (value, value))
    sys.path.insert(0, "/job")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        import script  # pylint: disable=import-outside-toplevel,import-error
        result = script.main()
    print(json.dumps({"result": result, "stdout": printed.getvalue()}))


if __name__ == "__main__":
    main()
