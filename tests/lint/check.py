#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks what no compiler checks: who may include and call what, how files open, and what must not be in them.

    python3 tests/lint/check.py [TOP]

Prints one line per finding, as compilers do, and exits with 1 when there is one. The rules are the tables below:
folders are processes and meet only through include/, and each library has one door (a file or two that include it).
"""

import ast
import os
import platform
import re
import sys
from pathlib import Path

__all__ = ["findings"]

_TOP = Path(__file__).resolve().parents[2]
_SKIPPED = {".git", "build", "vendor", "__pycache__", ".hypothesis", ".pytest_cache", "corpus"}

# header -> the files that may include it
_DOORS = {
    "microhttpd.h": {"src/web/server.c"},
    "jansson.h": {"src/policy.c", "src/web/request.c", "src/web/reply.c", "src/web/frame.c", "src/web/routes.c"},
    "seccomp.h": {"src/policy.c"},
    "Python.h": {"src/template/module.c"},
}

# the one way from a folder into another: for builds that leave a layer out
_CROSSINGS = {("src/spawn/state.h", "../jail/layer.h"): "#ifdef SAFE_EXEC_TEST_DROP"}

# call -> where it may stand (files, or folders that end with /), and the reason
_CALLS = [
    (r"strcpy|strcat|sprintf|vsprintf|stpcpy|gets|alloca|strtok|mktemp|tmpnam", (), "no bound, or no state of its own"),
    (r"system|popen", (), "a shell"),
    (r"printf|puts|putchar|vprintf", ("src/main.c", "src/config.c", "src/health.c"), "standard output is for --help, --check and --health"),
    (r"fork|vfork", ("src/spawn/", "src/template/serve.c", "src/jail/", "src/ladder.c", "src/runtime.c", "src/supervise.c"),
     "web and the parsers never fork"),
    (r"exec(?:ve?|vpe?|le?|lp|veat)|posix_spawnp?", ("src/spawn/python.c", "src/runtime.c"), "one place becomes Python"),
    (r"pthread_create|thrd_create", (), "every process here has one thread"),
    # tree.c and plain.c: directories of the service, where no script can write; preload: runs in the job
    (r"unlink|remove|rename|chown|lchown", ("src/jail/tree.c", "src/jail/plain.c", "src/preload/"), "the service never touches a script's files by path"),
]
_STDOUT = re.compile(r"\b(?:fprintf|fputs|fputc|fwrite|vfprintf)\s*\([^;]*\bstdout\b")
_RAW_CLONE = re.compile(r"\bSYS_(?:clone3?|fork|vfork)\b")

# no unfinished work; the words are joined here so that this file passes
_UNFINISHED = re.compile("TO" "DO|FIX" "ME")
_PERSONAL = re.compile(r"(?<![\w.])/(?:home|Users)/(?!user\b)[a-z][\w.-]*")
_STANDARD = set("bin boot dev etc home lib lib64 media mnt opt proc root run sbin srv sys tmp usr var".split())


def _files(top):
    for folder, names, files in os.walk(top):
        names[:] = sorted(name for name in names if name not in _SKIPPED)
        for file in sorted(files):
            path = Path(folder, file)
            try:
                yield path.relative_to(top).as_posix(), path.read_text(encoding="utf-8")
            except (UnicodeDecodeError, OSError):
                continue  # pictures, archives


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def _code(text):
    """The text with comments, strings and characters blanked, so that lines keep their numbers."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', _blank, text, flags=re.S)


def _line(text, position):
    return text.count("\n", 0, position) + 1


def _includes(name, text, top):
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', text, re.M):
        kind, header = match.groups()
        line = _line(text, match.start())
        if kind == "<":
            if header in _DOORS and name not in _DOORS[header]:
                yield line, f"<{header}> belongs to {', '.join(sorted(_DOORS[header])) or 'no file'}"
            continue
        if (name, header) in _CROSSINGS:
            if text[: match.start()].rstrip().splitlines()[-1] != _CROSSINGS[name, header]:
                yield line, f'"{header}" only after {_CROSSINGS[name, header]}'
            continue
        here = "include" if name.startswith("include/") else os.path.dirname(name)
        if "/" in header:
            yield line, f'"{header}": folders meet only through include/'
        elif not (top / here / header).is_file() and not (top / "include" / header).is_file():
            yield line, f'"{header}" is neither in {here}/ nor in include/'


def _calls(name, text):
    code = _code(text)
    for words, places, reason in _CALLS:
        if any(name == place or (place.endswith("/") and name.startswith(place)) for place in places):
            continue
        for match in re.finditer(rf"(?<![\w.>])({words})\s*\(", code):
            yield _line(code, match.start()), f"{match.group(1)}() here: {reason}"
    if name not in ("src/main.c", "src/config.c"):
        for match in _STDOUT.finditer(code):
            yield _line(code, match.start()), "standard output is for --help and --check"
    if not name.startswith("src/jail/"):
        for match in _RAW_CLONE.finditer(code):
            yield _line(code, match.start()), f"{match.group()} belongs to src/jail"


def _c_head(name, text):
    if not text.startswith("/* SPDX-License-Identifier: MIT */\n"):
        yield 1, "the first line is not the licence"
    elif not re.match(r"/\*(?:(?!\*/).){20,}\*/", text.split("\n", 1)[1], re.S):
        yield 2, "no head comment that says what this file is for"
    if name.endswith(".h") and "\n#pragma once\n" not in text:
        yield 1, "no #pragma once"


def _python_head(text):
    lines = text.splitlines()
    first = lines[1:2] if lines and lines[0].startswith("#!") else lines[:1]
    if first != ["# SPDX-License-Identifier: MIT"]:
        yield 1, "does not open with the licence"
    if not ast.get_docstring(ast.parse(text)):
        yield 1, "no docstring that says what this file is for"


def _machine(top):
    """A pattern for what only this machine is called: its name, and the directory of this checkout."""
    words = [re.escape(str(top)) + r"(?!\w)"] if len(top.parts) > 2 else []
    if len(top.parts) > 1 and top.parts[1] not in _STANDARD:
        words.append(rf"(?<![\w./*])/{re.escape(top.parts[1])}/")
    if len(platform.node()) > 5 and re.search(r"[\d-]", platform.node()):
        words.append(rf"\b{re.escape(platform.node())}\b")
    return re.compile("|".join([_PERSONAL.pattern, *words]))


def _words(text, machine):
    for match in _UNFINISHED.finditer(text):
        yield _line(text, match.start()), f"{match.group()}: finish it, or open an issue"
    for match in machine.finditer(text):
        yield _line(text, match.start()), f"{match.group()}: a name of somebody's machine"


def findings(top=_TOP):
    """Yields (file, line, message)."""
    machine = _machine(top)
    for name, text in _files(top):
        found = list(_words(text, machine))
        if name.startswith(("src/", "include/")) and name.endswith((".c", ".h")):
            found += [*_includes(name, text, top), *_calls(name, text)]
        if name.endswith((".c", ".h", ".S")):
            found += _c_head(name, text)
        if name.endswith(".py") and not name.startswith(("tests/cases/", "tests/programs/", "tests/escape/")):
            found += _python_head(text)
        yield from ((name, line, message) for line, message in sorted(found))


def main():
    count = 0
    for name, line, message in findings(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else _TOP):
        print(f"{name}:{line}: {message}")
        count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
