# SPDX-License-Identifier: MIT
"""inspect and linecache: the script's own source, signatures and frames."""
import inspect
import linecache
import sys


def area(width: float, height: float = 2.0, *, unit: str = "m") -> str:
    """Area as text."""
    return f"{width * height}{unit}²"


class Shape:
    """A shape."""

    def draw(self):
        return inspect.currentframe().f_code.co_name


def main():
    source = inspect.getsource(area)
    print(source, end="")
    return {"signature": str(inspect.signature(area)), "doc": inspect.getdoc(Shape),
            "lines": len(source.splitlines()), "class_line": inspect.getsourcelines(Shape)[1],
            "module": inspect.getmodule(area).__name__, "frame": Shape().draw(),
            "members": [n for n, _ in inspect.getmembers(sys.modules[__name__], inspect.isfunction)],
            "linecache": linecache.getline(__file__, inspect.getsourcelines(area)[1]).strip(),
            "comments": inspect.getcomments(Shape)}
