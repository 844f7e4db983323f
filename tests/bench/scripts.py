# SPDX-License-Identifier: MIT
"""The scripts that are run, and the one right answer of each.

They return plain JSON types, so that a bare interpreter can print the result with json.dumps().
Every expected value is written down here, not computed by running the script.
"""

import json
from dataclasses import dataclass, field

__all__ = ["Script", "WrongAnswer", "scripts", "MAIN", "TRIVIAL", "NUMPY", "PANDAS", "FULL_TIER"]

TRIVIAL, NUMPY, PANDAS = "trivial", "numpy sum", "pandas groupby"
MAIN = (TRIVIAL, NUMPY, PANDAS)   # measured with most samples and every number of connections
FULL_TIER = "trivial, full tier"

_EPILOGUE = "\nimport json\nprint(json.dumps(main()))\n"


class WrongAnswer(Exception):
    """A competitor answered something else than the script's result."""


@dataclass
class Script:
    """One script: what is sent, and what has to come back."""

    name: str
    source: str
    result: object
    stdout: str = ""
    _right: list = field(default_factory=list)   # bodies that were parsed and found right

    def standalone(self):
        """The source as a program of its own, which prints the result as JSON."""
        return self.source + _EPILOGUE

    def request(self):
        """The whole HTTP request, ready to send."""
        body = json.dumps({"script": self.source}).encode()
        return (b"POST /execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)) + body

    def check_answer(self, status, body):
        """Fails unless this is 200 with exactly {"result": ..., "stdout": ...}, types and order too.

        A competitor sends the same bytes each time, so only the first of them has to be parsed.
        """
        if status == 200 and body in self._right:
            return
        try:
            same = status == 200 and json.dumps(json.loads(body)) == json.dumps(
                {"result": self.result, "stdout": self.stdout})
        except ValueError:
            same = False
        if not same:
            raise WrongAnswer(f"status {status}: {_shorten(body)}")
        self._right.append(body)

    def check_printed(self, output):
        """The same for standalone(): what was printed, then the result as one line."""
        if output != (self.stdout + json.dumps(self.result) + "\n").encode():
            raise WrongAnswer(f"printed {_shorten(output)}")


def _shorten(data):
    return repr(data[:300]) + ("..." if len(data) > 300 else "")


_TEXT = '''
import json
import re
from collections import Counter

WORDS = "the quick brown fox jumps over the lazy dog while the cat sleeps".split()

def main():
    rows = [{"id": i, "word": WORDS[i % len(WORDS)], "tags": ["a", "b"]} for i in range(300)]
    again = json.loads(json.dumps(rows))
    text = " ".join(row["word"].title() for row in again)
    counts = Counter(re.findall(r"[a-z]+", text.lower()))
    print("words:", sum(counts.values()))
    return {"the": counts["the"], "distinct": len(counts), "start": text[:19]}
'''

_NUMPY = '''
import numpy as np

def main():
    return {"sum": int(np.sum(np.arange(1000)))}
'''

_PANDAS = '''
import pandas as pd

def main():
    frame = pd.DataFrame({"team": ["a", "b", "a", "c", "b", "a"], "points": [1, 2, 3, 4, 5, 6]})
    sums = frame.groupby("team")["points"].sum()
    return {team: int(points) for team, points in sums.items()}
'''

_STDOUT = '''
def main():
    for _ in range(1024):
        print("x" * 1023)
    return {"lines": 1024}
'''

_SUBPROCESS = '''
import subprocess

def main():
    done = subprocess.run(["/bin/echo", "hello"], capture_output=True, text=True, check=True)
    return {"said": done.stdout}
'''


def _long_source():
    """Just over 50 KiB of functions and comments, none of which can be left out by a shortcut."""
    parts, size = [], 0
    while size < 50 * 1024:
        n = len(parts)
        parts.append(f"# Step {n} adds its own number and hands the sum on to whoever called it.\n"
                     f"def step_{n}(value):\n    total = value + {n}\n    return total\n\n")
        size += len(parts[-1])
    last = len(parts) - 1
    return "".join(parts) + f"def main():\n    return {{'total': step_{last}(step_1(0)) - {last}}}\n"


def scripts(full_tier=False):
    """All scripts, in the order of the report."""
    trivial = "def main():\n    return {'answer': 6 * 7}\n"
    found = [
        Script(TRIVIAL, trivial, {"answer": 42}),
        Script(NUMPY, _NUMPY, {"sum": 499500}),
        Script(PANDAS, _PANDAS, {"a": 10, "b": 7, "c": 4}),
        Script("text", _TEXT, {"the": 70, "distinct": 11, "start": "The Quick Brown Fox"},
               "words: 300\n"),
        Script("50 KiB script", _long_source(), {"total": 1}),
        Script("1 MiB stdout", _STDOUT, {"lines": 1024}, ("x" * 1023 + "\n") * 1024),
        Script("subprocess", _SUBPROCESS, {"said": "hello\n"}),
    ]
    if full_tier:
        # A script that speaks of numpy gets an interpreter that has imported it.
        found.insert(1, Script(FULL_TIER, "# no numpy here\n" + trivial, {"answer": 42}))
    return found
