# SPDX-License-Identifier: MIT
"""re, textwrap, string, difflib, unicodedata: working with text."""
import difflib
import re
import string
import textwrap
import unicodedata

LOG = """127.0.0.1 - - [10/Oct/2023:13:55:36] "GET /a HTTP/1.1" 200 12
10.0.0.7 - - [10/Oct/2023:13:55:40] "POST /b HTTP/1.1" 500 7
10.0.0.7 - - [10/Oct/2023:13:56:01] "GET /c?x=1 HTTP/1.1" 404 0"""
LINE = re.compile(r'(?P<ip>[\d.]+) .*?\[(?P<when>[^]]+)\] "(?P<method>\w+) (?P<path>\S+)[^"]*" (?P<code>\d{3})')


def main():
    hits = [m.groupdict() for m in LINE.finditer(LOG)]
    print(textwrap.fill("The quick brown fox jumps over the lazy dog. " * 3, 40, subsequent_indent="  "))
    plain = "".join(c for c in unicodedata.normalize("NFD", "Crème Brûlée") if not unicodedata.combining(c))
    diff = list(difflib.unified_diff(["a", "b", "c"], ["a", "x", "c"], lineterm="", n=0))
    return {"hits": hits, "snake": re.sub(r"(?<!^)(?=[A-Z])", "_", "someCamelCase").lower(), "plain": plain,
            "template": string.Template("$who owes $$5").substitute(who="Bob"), "diff": diff,
            "close": difflib.get_close_matches("appel", ["ape", "apple", "peach"]),
            "dedent": textwrap.dedent("    a\n      b"), "name": unicodedata.name("Ω"),
            "split": re.split(r"[;,]\s*", "a; b,c")}
