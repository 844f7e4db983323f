# SPDX-License-Identifier: MIT
"""try/except/else/finally, custom hierarchies, tracebacks, warnings, assertions."""
import traceback
import warnings


class AppError(Exception):
    pass


class NotFound(AppError):
    pass


def flow(action):
    log = []
    try:
        log.append("try")
        if action == "raise":
            raise NotFound("x")
        if action == "return":
            return log
    except AppError as e:
        log.append(f"except {type(e).__name__}")
    else:
        log.append("else")
    finally:
        log.append("finally")
    return log


def deep(n):
    if n == 0:
        raise KeyError("bottom")
    deep(n - 1)


def main():
    try:
        deep(3)
    except KeyError as e:
        frames = [(f.name, f.lineno, f.line) for f in traceback.extract_tb(e.__traceback__)][1:]
        last = traceback.format_exception_only(type(e), e)[-1].strip()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("old API", DeprecationWarning)
    try:
        raise ValueError("low") from OSError(2, "No such file", "f.txt")
    except ValueError as e:
        cause = str(e.__cause__)
    print(*frames, sep="\n")
    return {"flows": {a: flow(a) for a in ("raise", "return", "pass")}, "frames": frames, "last": last, "cause": cause,
            "warned": [str(w.message) for w in caught]}
