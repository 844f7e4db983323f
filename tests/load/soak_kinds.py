# SPDX-License-Identifier: MIT
"""What soak.py asks: honest scripts and hostile ones, each with what has to come back.

A kind is a function that gets a Request, sends what it likes and fails with Wrong unless the answer is the right one. A
number with it says how often it is asked, in 1000; the slow ones are rare, or the time would be theirs.
"""

import hashlib
import json
import os
import re
import socket
import struct
import threading

__all__ = ["CHOICES", "Late", "Line", "Request", "Wrong"]

_TIMEOUT_SEC = 60
_HEAD = re.compile(rb"HTTP/1\.1 (\d+).*\r\nContent-Length: *(\d+)", re.S | re.I)
_TOKEN = re.compile(rb"tok-[0-9a-f]{16}")
_CASES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cases")


class Wrong(Exception):
    """Something else came back than what has to."""


class Late(Exception):
    """The time limit ended an honest script; a machine that does other things can cause it."""


class Line:
    """A connection that is kept alive, of one thread."""

    def __init__(self, port):
        self.port, self._socket = port, None

    def new(self):
        """A connection for a visit of its own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=_TIMEOUT_SEC)

    def ask(self, data):
        """(status, body) of one request."""
        if self._socket is None:
            self._socket = self.new()
        self._socket.sendall(data)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more(received)
        end = received.index(b"\r\n\r\n")
        head = _HEAD.match(received[:end])
        if not head:
            raise Wrong(f"head of an answer: {received[:300]!r}")
        parts, missing = [received[end + 4:]], int(head[2]) - (len(received) - end - 4)
        while missing > 0:
            parts.append(self._more(received))
            missing -= len(parts[-1])
        if missing < 0:
            raise Wrong(f"more than the answer: {received[:300]!r}")
        if b"connection: close" in received[:end].lower():
            self.close()
        return int(head[1]), b"".join(parts)

    def _more(self, before):
        data = self._socket.recv(1 << 17)
        if not data:
            raise Wrong(f"the connection ended within an answer: {before[:300]!r}")
        return data

    def close(self):
        """The next request gets a new one."""
        if self._socket:
            self._socket.close()
        self._socket = None


def _post(body, more=b""):
    return (b"POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n"
            % (more, len(body))) + body


class Request:
    """One turn of a thread: its connection, its dice, its token."""

    def __init__(self, line, dice, token):
        self.line, self.dice, self.token = line, dice, token

    def run(self, script):
        """(status, answer as a value) of a script in which T is the token; no other token may be in it."""
        source = f"T = '{self.token}'\n{script}"
        status, body = self.line.ask(_post(json.dumps({"script": source}).encode()))
        if set(_TOKEN.findall(body)) - {self.token.encode()}:
            raise Wrong(f"another's token, not {self.token}: {body[:1000]!r}")
        return status, json.loads(body)

    def result(self, script, result, stdout=""):
        """A script that must succeed with exactly this; order and types count."""
        status, answer = self.run(script)
        if answer.get("error", {}).get("code") == "TIMEOUT":
            raise Late(self.token)
        if status != 200 or json.dumps(answer) != json.dumps({"result": result, "stdout": stdout}):
            raise Wrong(f"wanted {str(result)[:200]}, {stdout[:200]!r}; got {status} {str(answer)[:1000]}")

    def error(self, script, *codes, stdout=None):
        """A script that must fail with one of these codes: its details."""
        status, answer = self.run(script)
        code = answer.get("error", {}).get("code")
        if code == "TIMEOUT" and code not in codes:
            raise Late(self.token)
        if status != 400 or code not in codes or stdout not in (None, answer.get("stdout")):
            raise Wrong(f"wanted {codes} {stdout!r}; got {status} {str(answer)[:1000]}")
        return answer["error"].get("details", {})

    def expect(self, condition, what):
        """Fails with what unless it holds."""
        if not condition:
            raise Wrong(f"{self.token}: {str(what)[:1000]}")


# ---- honest ----------------------------------------------------------------------------------------------------------

def trivial(r):
    r.result("def main(): return T", r.token)


def printing(r):
    n = r.dice.randrange(1, 200)
    r.result(f"def main():\n    for i in range({n}):\n        print(i, T)\n    return T",
             r.token, "".join(f"{i} {r.token}\n" for i in range(n)))


def printing_much(r):
    n = r.dice.randrange(1000, 9000)
    r.result(f"def main():\n    print(T * {n})\n    return {n}", n, r.token * n + "\n")


def unicode_text(r):
    text = r.dice.choice(("\u00e9\u4e2d\U0001f600", "\u2028\x00\x7f", "\\\"'\n")) * r.dice.randrange(1, 50)
    r.result(f"def main():\n    print({text!r}, end='')\n    return [{text!r}, T]", [text, r.token], text)


def arithmetic(r):
    a, b = r.dice.getrandbits(300), r.dice.random()
    r.result(f"def main(): return [T, {a} ** 2, {b!r} * 3, sum(range({a % 1000}))]",
             [r.token, a ** 2, b * 3, sum(range(a % 1000))])


def structure(r):
    n = r.dice.randrange(100)
    r.result(f"def main(): return {{'t': T, 'n': [{{'i': i, T: None}} for i in range({n})], 'f': (True, 1.5)}}",
             {"t": r.token, "n": [{"i": i, r.token: None} for i in range(n)], "f": [True, 1.5]})


def large_result(r):
    n = r.dice.randrange(1000, 20000)
    r.result(f"def main(): return [T] * {n}", [r.token] * n)


def library(r):
    r.result("import datetime, hashlib, json, re\ndef main():\n"
             "    return [hashlib.sha256(T.encode()).hexdigest(), re.sub('[a-f]', '', T), json.loads(json.dumps({'t': T})),\n"
             "            datetime.date(2024, 2, 29) + datetime.timedelta(365)]",
             [hashlib.sha256(r.token.encode()).hexdigest(), re.sub("[a-f]", "", r.token), {"t": r.token}, "2025-02-28"])


def own_files(r):
    """What another job wrote under the same name must not be there."""
    r.result("import os\ndef main():\n    found = [os.path.exists(n) for n in ('left', '/dev/shm/left')]\n"
             "    open('left', 'w').write(T * 1000)\n    return [found, open('left').read(12), os.path.getsize('left')]",
             [[False, False], r.token[:12], 1000 * len(r.token)])


def own_state(r):
    """A module is changed for the next one, who must not see it."""
    r.result("import os, sys, random\ndef main():\n    found = [hasattr(m, 'mark') for m in (os, sys, random)]\n"
             "    os.mark = sys.mark = random.mark = T\n    return found", [False] * 3)


_seen, _seen_lock = set(), threading.Lock()


def randomness(r):
    status, answer = r.run("import os, random, uuid\ndef main():\n"
                           "    return [random.getrandbits(64), str(uuid.uuid4()), os.urandom(8).hex()]")
    if answer.get("error", {}).get("code") == "TIMEOUT":
        raise Late(r.token)
    r.expect(status == 200, answer)
    with _seen_lock:
        r.expect(not _seen & {str(value) for value in answer["result"]}, f"seen before: {answer}")
        _seen.update(str(value) for value in answer["result"])


def coroutine(r):
    r.result("import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    return await asyncio.gather(*[one(i) for i in range(5)])\n"
             "async def one(i):\n    return T + str(i)", [r.token + str(i) for i in range(5)])


def thread(r):
    r.result("import threading\ndef main():\n    out = []\n    t = [threading.Thread(target=out.append, args=(T,)) for _ in range(4)]\n"
             "    [x.start() for x in t]; [x.join() for x in t]\n    return out", [r.token] * 4)


def arrays(r):
    n = r.dice.randrange(1, 5000)
    r.result(f"import numpy as np\ndef main():\n    a = np.arange({n})\n    return [T, a.sum(), a[::-1][0], float(a.mean())]",
             [r.token, n * (n - 1) // 2, n - 1, (n - 1) / 2])


def frames(r):
    n = r.dice.randrange(1, 50)
    r.result(f"import pandas as pd\ndef main():\n    d = pd.DataFrame({{'k': ['a', T] * {n}, 'v': range({2 * n})}})\n"
             "    return d.groupby('k').v.sum()[[T, 'a']].tolist()", [n * n, n * (n - 1)])


def raises(r):
    details = r.error("def main():\n    print('before', T)\n    raise ValueError('about ' + T)", "EXCEPTION",
                      stdout=f"before {r.token}\n")
    r.expect((details["type"], details["message"], details["line"]) == ("ValueError", f"about {r.token}", 4), details)


def syntax(r):
    r.expect(r.error("def main(:\n    pass", "SYNTAX_ERROR")["line"] == 2, "the line")


def no_main(r):
    r.error("x = T", "NO_MAIN")


def missing_module(r):
    name = "missing_" + r.token[4:]
    r.expect(r.error(f"import {name}\ndef main(): pass", "IMPORT_ERROR")["module"] == name, "the module")


def no_json(r):
    r.expect(r.error("def main(): return {'a': [1, {2}]}", "NON_JSON_RETURN")["path"] == 'main()["a"][1]', "the path")


def health(r):
    status, body = r.line.ask(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
    r.expect(status == 200 and json.loads(body)["ok"], body)


# ---- hostile: scripts --------------------------------------------------------------------------------------------------

def leaves(r):
    r.error("import os\ndef main(): os._exit(3)", "EMPTY_OUTPUT")


def crashes(r):
    r.error(f"import os\ndef main(): os.kill(os.getpid(), {r.dice.choice((4, 6, 7, 8, 11))})", "CRASHED")


def recursion(r):
    r.expect(r.error("def main(): return main()", "EXCEPTION")["type"] == "RecursionError", "the type")


def one_allocation(r):
    r.error("def main(): return bytearray(1 << 30)", "MEMORY_LIMIT", "TIMEOUT")


def memory_bomb(r):
    r.error("import mmap\ndef main():\n    m = mmap.mmap(-1, 400 << 20)\n    for i in range(0, 400 << 20, 4096):\n        m[i] = 1",
            "MEMORY_LIMIT", "TIMEOUT")


def large_flood(r):
    r.error("def main(): return T * 100000", "RESULT_TOO_LARGE")


def stdout_flood(r):
    status, answer = r.run("def main():\n    print('x' * 300000)\n    return T")
    if answer.get("error", {}).get("code") == "TIMEOUT":
        raise Late(r.token)
    r.expect(status == 200 and answer == {"result": r.token, "stdout": "x" * 204800, "stdout_truncated": True}, str(answer)[-200:])


def full_disk(r):
    r.error("def main():\n    with open('x', 'wb', 0) as f:\n        while True:\n            f.write(bytes(1 << 20))", "EXCEPTION",
            "MEMORY_LIMIT")


_FORGERIES = [open(os.path.join(_CASES, name, "script.py"), encoding="utf-8").read() for name in (
    "forge-noise-on-result-fd", "forge-close-result-fd", "forge-closerange", "forge-frame-with-random-nonce",
    "forge-frame-with-zero-nonce", "forge-frame-with-magic", "forge-json-on-result-fd", "forge-huge-length",
    "forge-patched-write-in-runner-module")]


def forges(r):
    """Nothing but its own result can come of it, and never what it wrote."""
    status, answer = r.run(r.dice.choice(_FORGERIES))
    code = answer.get("error", {}).get("code")
    if code == "TIMEOUT":
        raise Late(r.token)
    r.expect("FORGED" not in str(answer) and (code in ("BAD_RUNNER_OUTPUT", "EMPTY_OUTPUT")
                                              or (status == 200 and answer["result"] == "real")), answer)


def tampers(r):
    r.result("import builtins, json, os, sys\ndef main():\n    json.dumps = builtins.len = os.write = None\n"
             "    sys.stdout = sys.stderr = None\n    sys.modules.clear()\n    return T", r.token)


def leaves_things(r):
    """Children in sessions of their own, shared memory: the next one must find nothing of it (own_files)."""
    status, answer = r.run("import os, time\ndef main():\n    open('/dev/shm/left', 'w').write(T)\n    for _ in range(3):\n"
                           "        if os.fork() == 0:\n            os.setsid()\n            time.sleep(60)\n    return T")
    if answer.get("error", {}).get("code") == "TIMEOUT":
        raise Late(r.token)
    r.expect(status == 200 and answer["result"] == r.token, answer)


def fork_bomb(r):
    r.error("import os\ndef main():\n    while True:\n        try:\n            os.fork()\n        except OSError:\n            pass",
            "TIMEOUT", "MEMORY_LIMIT", "EXCEPTION", "BAD_RUNNER_OUTPUT", "EMPTY_OUTPUT")


def endless(r):
    r.error("def main():\n    while True:\n        pass", "TIMEOUT")


def sleeper(r):
    r.error("import time\ndef main(): time.sleep(60)", "TIMEOUT")


# ---- hostile: HTTP -----------------------------------------------------------------------------------------------------

def vanishes(r):
    """By FIN or RST, in the middle of a request or while its script runs."""
    script = f"T = '{r.token}'\nimport time\ndef main():\n    time.sleep({r.dice.choice((0, 0, 0.05))})\n    return T * 1000"
    data = _post(json.dumps({"script": script}).encode())
    with r.line.new() as sock:
        sock.sendall(data[:r.dice.choice((0, 10, 60, len(data) - 5, len(data), len(data)))])
        sock.settimeout(r.dice.choice((0.0005, 0.01)))
        try:
            sock.recv(1)
        except socket.timeout:
            pass
        if r.dice.random() < 0.5:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


_MALFORMED = (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x00\xc8\x01\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
              b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET /health HTTP/1.1\r\n\r\n",
              _post(b"{}", b"Transfer-Encoding: chunked\r\n"), _post(b"{}", b"Content-Length: 5\r\n"),
              _post(b"{}", b"Content-Encoding: gzip\r\n"), _post(b"{}", b"X : y\r\n"),
              b"POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n",
              b"POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")


def malformed(r):
    """A refusal, or nothing, and then the end."""
    with r.line.new() as sock:
        sock.sendall(r.dice.choice(_MALFORMED))
        received = b""
        try:
            while data := sock.recv(65536):
                received += data
        except ConnectionResetError:
            pass
    r.expect(not received or re.match(rb"HTTP/1\.[01] (4\d\d|50[15]) ", received), received)


_BAD_BODIES = ((b"{no json", "BAD_BODY"), (b"[]", "BAD_BODY"), (b'{"script": "\xff"}', "BAD_ENCODING"), (b"{}", "BAD_SCRIPT"),
               (b'{"script": "x", "skript": 1}', "BAD_INPUT"), (b'{"script": " "}', "BAD_SCRIPT"), (b"[" * 10000, "BAD_BODY"),
               (b'{"script": "' + b"x" * 204801 + b'"}', "SCRIPT_TOO_LARGE"), (b'{"a": [' + b"{}," * 9000 + b"0]}", "BAD_BODY"))


def bad_body(r):
    body, code = r.dice.choice(_BAD_BODIES)
    status, answer = r.line.ask(_post(body))
    r.expect((status, json.loads(answer)["error"]["code"]) == (413 if code == "SCRIPT_TOO_LARGE" else 400, code), answer[:300])


_HONEST = {trivial: 290, printing: 110, printing_much: 30, unicode_text: 40, arithmetic: 60, structure: 50, large_result: 20,
           library: 50, own_files: 40, own_state: 20, randomness: 20, coroutine: 15, thread: 10, arrays: 50, frames: 25, raises: 40,
           syntax: 10, no_main: 5, missing_module: 5, no_json: 5, health: 5}
_HOSTILE = {leaves: 9, crashes: 9, recursion: 4, one_allocation: 8, large_flood: 4, stdout_flood: 5, forges: 12, tampers: 6,
            leaves_things: 5, vanishes: 15, malformed: 8, bad_body: 10, full_disk: 2, memory_bomb: 0.5, fork_bomb: 0.5, endless: 1,
            sleeper: 1}
assert (sum(_HONEST.values()), sum(_HOSTILE.values())) == (900, 100)

_KINDS = {**_HONEST, **_HOSTILE}
CHOICES = ([(kind.__name__, kind) for kind in _KINDS], list(_KINDS.values()))
