# SPDX-License-Identifier: MIT
"""Properties: what holds for every value, body, header and order of requests, tried with those that Hypothesis makes.

    HYPOTHESIS_EXAMPLES=2000 /usr/bin/python3 -m pytest tests/test_properties.py     (where it is 100 usually)
    SAFE_EXEC_TEST_SEED=123 /usr/bin/python3 -m pytest tests/test_properties.py -k mixed

A failure prints the smallest example, and a line @reproduce_failure to put above the test; test_mixed_requests, where the
threads decide, prints its seed. Every answer goes through harness/contract.py: the schema of openapi.json for its path and
status, the order of members, the table of codes.
"""

import base64
import json
import math
import os
import pickle
import random
import re
import socket
import string
import threading
import time

import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.client import JSON, Client, converse, read_answer
from harness.contract import check, openapi, result_text
from harness.server import wait_until

# Short, since some scripts that are made wait or loop.
SETTINGS = {"TIME_LIMIT_SEC": "0.5", "CPU_LIMIT_SEC": "1", "MAX_CONCURRENCY": "2", "MAX_SCRIPT_BYTES": "20000"}


PERCENT = int(os.environ.get("HYPOTHESIS_EXAMPLES", 100))


def examples(usual):
    """So many examples; no database, and no deadline of Hypothesis's own."""
    return settings(max_examples=max(1, usual * PERCENT // 100), deadline=None, database=None, print_blob=True,
                    suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def hostile(fleet):
    """The server that gets all of it; it must live to the end."""
    server = fleet.server(SETTINGS)
    before = server.identity()
    yield server
    assert Client(server).result("def main(): return 'still here'") == "still here"
    assert server.identity() == before, "a process of the service was restarted"


@pytest.fixture(scope="module")
def sender(hostile):
    return Client(hostile)


# -- every JSON value comes back as it is ----------------------------------------------------------------------

_CHARACTERS = st.characters(blacklist_categories=["Cs"])        # all but surrogates
_TEXTS = st.one_of(
    st.text(_CHARACTERS, max_size=12),
    st.text(st.sampled_from("\0\x01\x1f\"\\/\x7f\x80\u2028\ufdd0\ufeff\uffff\U0001f600\U0010ffff\u0301é"), max_size=8),
    st.sampled_from(["", "\0", "\\u0000", "\ufdd0\0", "__proto__", "result", "1.0", "null", "</script>"]),
    st.builds(lambda text, times: text * times, st.text(_CHARACTERS, min_size=1, max_size=5), st.integers(1, 4000)))
_NUMBERS = st.one_of(
    st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False),
    st.builds(lambda digits, sign: sign * int("".join(digits)),
              st.lists(st.sampled_from("0123456789"), min_size=280, max_size=700), st.sampled_from([1, -1])),
    st.builds(lambda n, more: n + more, st.sampled_from([2**53, 2**63, 2**64, 10**300, -(2**63), 2**1024]), st.integers(-2, 2)),
    st.sampled_from([0, 0.0, -0.0, 1, 1.0, True, False, 5e-324, -5e-324, 2.2250738585072014e-308, 1e308, 1.7976931348623157e308,
                     1e16, 1e22, 1e-7, 123456789012345680.0]))
_LEAVES = st.one_of(st.none(), _NUMBERS, _TEXTS)
_VALUES = st.recursive(_LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=6),
                                                        st.dictionaries(_TEXTS, inner, max_size=6)), max_leaves=25)


def _wrapped(value, levels):
    for level in levels:
        value = [value] if level else {"": value}
    return value


_DEEP = st.builds(_wrapped, _LEAVES, st.one_of(
    st.lists(st.booleans(), min_size=20, max_size=80), st.integers(180, 900).map(lambda depth: [True, False] * (depth // 2))))


def _script_of(value):
    """A script that returns the value: pickled, so that neither our JSON nor Python's parser bends it."""
    text = base64.b64encode(pickle.dumps(value, 4)).decode()
    return f"import base64, pickle\nVALUE = pickle.loads(base64.b64decode('{text}'))\ndef main():\n    return VALUE\n"


def same(one, other):
    """Equal in type, sign and order of members too."""
    stack = [(one, other)]
    while stack:
        a, b = stack.pop()
        if type(a) is not type(b):
            return False
        if isinstance(a, dict):
            if list(a) != list(b):
                return False
            stack.extend(zip(a.values(), b.values()))
        elif isinstance(a, list):
            if len(a) != len(b):
                return False
            stack.extend(zip(a, b))
        elif a != b or (isinstance(a, float) and math.copysign(1, a) != math.copysign(1, b)):
            return False
    return True


def test_same_knows_the_difference():
    assert same([1, {"a": -0.0}], [1, {"a": -0.0}])
    for one, other in ((1, 1.0), (True, 1), (0.0, -0.0), ([0], [False]), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ("", None),
                       ([1], [1, 2]), ({"a": [1]}, {"a": [2]})):
        assert not same(one, other)


@examples(120)
@given(st.one_of(_VALUES, _LEAVES, _DEEP))
@example(-0.0)
@example("\0")
@example({"\0": 1, "\ufdd0": 2, "\ufdd1": 3})
@example(10**400)
def test_any_value_comes_back(client, value):
    answer = client.execute(_script_of(value))
    assert answer.status == 200, repr(answer)
    text = result_text(answer.body)
    assert same(json.loads(text), value), f"{value!r} came back as {text[:500]}"
    assert answer.stdout == ""


@examples(6)
@given(st.lists(st.one_of(_VALUES, _LEAVES), min_size=10, max_size=30))
def test_any_values_come_back_together(client, values):
    answer = client.execute(_script_of(values))
    if answer.code == "RESULT_TOO_LARGE":
        assert len(json.dumps(values, ensure_ascii=False).encode()) > answer.details["limit"]
        return
    got = json.loads(result_text(answer.body))
    assert len(got) == len(values)
    for number, value in enumerate(values):
        assert same(got[number], value), f"{value!r} came back as {got[number]!r}"


# -- whatever is sent, the answer is one of the contract -------------------------------------------------------

_REFUSED = {"BAD_BODY", "BAD_ENCODING", "BAD_SCRIPT", "BAD_INPUT", "SCRIPT_TOO_LARGE"}

_STATEMENTS = st.sampled_from([
    "def main():", "    return 1", "    return x", "    yield 1", "async def main():", "    await main", "main = 5", "main = print",
    "class main: pass", "main = lambda: 7", "import os", "import numpy", "import nothing_of_that_name", "x = 1", "x = [", ")", "'''",
    "\tpass", "    pass", "pass", "raise ValueError('x')", "raise SystemExit", "del main", "# -*- coding: utf-16 -*-", "#\x0c", "\\",
    "global main", "while True: pass", "import time; time.sleep(9)", "print('x' * 1000)", "print('\\udc80')", "from script import *",
    "import sys; sys.stdout = None", "import os; os._exit(3)", "import os; os.close(3)", "import os; os.write(3, b'x' * 50)",
    "import os; os.kill(os.getpid(), 11)", "exec('main = dict')", "from __future__ import annotations", "from __future__ import x",
    "assert 0, '\\ud800'", "x: int", "lambda: (yield)", "    return {1, 2}", "    return float('nan')", "    return b''",
    "with open('script.py', 'w') as f: f.write('')", "def main(x):", "(" * 90, "x = 1" + "0" * 5000, "\ufeff", "𝓂ain = 1", "é = 2"])
_SCRIPTS = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from(string.printable + "\0\u0085\ufeff"), max_size=60),
    st.lists(_STATEMENTS, min_size=1, max_size=7).map("\n".join),
    st.builds(lambda text, at, piece: text[:at] + piece + text[at:],
              st.just("import math\ndef main():\n    x = [n * 2 for n in range(5)]\n    return {'sum': sum(x), 'pi': math.pi}\n"),
              st.integers(0, 100), st.text(max_size=4)))
_ANY_JSON = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
                         lambda inner: st.one_of(st.lists(inner, max_size=4),
                                                 st.dictionaries(st.one_of(st.just("script"), st.text(max_size=12)), inner, max_size=4)),
                         max_leaves=10)


def _never_ours(answer):
    assert answer.status < 500, repr(answer)
    return answer


@examples(100)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=30).map(lambda noise: b'{"script": "' + noise + b'"}'),
                 st.binary(max_size=8).map(lambda noise: b'{"script": "def main(): return 1"' + noise + b"}")))
def test_any_bytes_as_body(sender, body):
    answer = _never_ours(sender.post(body))
    if answer.code in _REFUSED:
        assert answer.header("Server-Timing") == "", "it was refused, and ran"


def _as_json_anyhow(value, spaces):
    """JSON text, with NaN and lone surrogates where Python's json lets them through."""
    return json.dumps(value, indent=spaces).encode("utf-8", "surrogatepass")


@examples(80)
@given(_ANY_JSON, st.sampled_from([None, 0, 3]))
def test_any_json_as_body(sender, value, spaces):
    answer = _never_ours(sender.post(_as_json_anyhow(value, spaces)))
    if not isinstance(value, dict):
        assert answer.code in ("BAD_BODY", "BAD_ENCODING")
    elif list(value) != ["script"] or not isinstance(value["script"], str):
        assert answer.code in _REFUSED, "what is no request was run"


@examples(80)
@given(_SCRIPTS)
def test_any_text_as_script(sender, script):
    _never_ours(sender.execute(script))


# -- headers ---------------------------------------------------------------------------------------------------

_BLANKS = st.sampled_from(["", " ", "\t", "  "])
_TOKEN = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=12)
_FREE = st.text([chr(n) for n in [9, *range(32, 127), *range(128, 256)]], max_size=40)        # what a value may hold
_CONTENT_TYPES = st.one_of(
    st.builds(lambda a, b, c, d: "".join(letter.upper() if up else letter for letter, up in zip("application/json", a)) + b + c + d,
              st.lists(st.booleans(), min_size=16, max_size=16), _BLANKS,
              st.sampled_from(["", ";", "; charset=utf-8", ";charset=\"utf-16\"", "; a=b; c=d", ";;"]), _BLANKS),
    st.sampled_from(["text/plain", "application/jsonx", "application/json/x", "xapplication/json", "application /json",
                     "application/json, text/plain", "json", "*/*", "", "application/json-patch+json", "text/html"]),
    st.builds("{}/{}".format, _TOKEN, _TOKEN), _FREE)
_IDS = st.one_of(st.text([chr(n) for n in range(33, 127)], min_size=1, max_size=140), _FREE)
_ACCEPTS = st.one_of(st.sampled_from(["*/*", "text/html", "application/json", "TEXT/HTML;q=0.9", "text/htm", "a/b, text/html"]), _FREE)
_OTHERS = st.lists(st.tuples(_TOKEN.map(lambda name: "X-" + name), _FREE), max_size=5)


def _is_json_type(value):
    return re.fullmatch(r"application/json[ \t]*(;.*)?", value.strip(" \t"), re.I | re.S) is not None


@examples(100)
@given(_CONTENT_TYPES, st.one_of(st.none(), _IDS), st.one_of(st.none(), _ACCEPTS), _OTHERS)
def test_any_headers(hostile, content_type, request_id, accept, others):
    """One request, one answer that says what the headers ask for; the connection goes on where nothing was refused."""
    body = b'{"script": "def main(): return 7"}'
    lines = [("Host", "localhost"), ("Content-Length", str(len(body))), ("Content-Type", content_type), *others]
    lines += [("X-Request-Id", request_id)] * (request_id is not None) + [("Accept", accept)] * (accept is not None)
    request = "POST /execute HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines) + "\r\n"
    follows = b"GET /execute HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"      # 405
    talk = converse(hostile, request.encode("latin-1") + body + follows, early=True)
    first = talk.answers[0]
    if _is_json_type(content_type):
        assert (first.status, first.result, len(talk.answers)) == (200, 7, 2), repr(talk)
    else:
        assert (first.code, len(talk.answers), talk.closed) == ("BAD_CONTENT_TYPE", 1, True), repr(talk)
    wanted = (request_id or "").strip(" \t")
    if re.fullmatch(r"[!-~]{1,128}", wanted):
        assert first.header("X-Request-Id") == wanted
    else:
        assert re.fullmatch(r"[0-9a-f-]{36}", first.header("X-Request-Id")), "one of ours instead"


@examples(40)
@given(_ACCEPTS)
def test_any_accept(hostile, accept):
    talk = converse(hostile, f"GET / HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\nConnection: close\r\n\r\n".encode("latin-1"),
                    method="GET", path="/")
    kind = "text/html" if "text/html" in accept.lower() else "application/json"
    assert talk.statuses == [200] and talk.answers[0].header("Content-Type").startswith(kind)


# -- what openapi.json says ------------------------------------------------------------------------------------

_DOCUMENT = openapi()
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


def _resolve(node):
    while "$ref" in node:
        target = _DOCUMENT
        for part in node["$ref"].lstrip("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


_REQUEST = _resolve(_DOCUMENT["paths"]["/execute"]["post"]["requestBody"]["content"][JSON]["schema"])


def _texts_of(schema):
    text = st.one_of(_SCRIPTS, st.text(max_size=40)).filter(lambda value: "\0" not in value)
    return text.filter(lambda value: re.search(schema["pattern"], value)) if "pattern" in schema else text


def _from_schema(schema):
    """Values that a schema allows; as much of JSON Schema as the request needs, and a failure beyond."""
    schema = _resolve(schema)
    assert set(schema) <= {"type", "required", "additionalProperties", "properties", "pattern", "description"}, schema
    if schema["type"] == "string":
        return _texts_of(schema)
    assert schema["type"] == "object" and schema["additionalProperties"] is False
    members = {name: _from_schema(inner) for name, inner in schema["properties"].items()}
    return st.fixed_dictionaries({name: members[name] for name in schema["required"]},
                                 optional={name: inner for name, inner in members.items() if name not in schema["required"]})


def _wrong(schema):
    """(value, codes that may refuse it): as the schema wants it, but for one thing."""
    names = st.sampled_from(sorted(schema["properties"]))
    other_types = st.one_of(st.none(), st.booleans(), st.integers(), st.lists(st.text(), max_size=2), st.just({}))
    unknown = st.text(min_size=0, max_size=20).filter(lambda name: name not in schema["properties"])
    right = _from_schema(schema)
    without = st.builds(lambda value, name: {key: v for key, v in value.items() if key != name}, right,
                        st.sampled_from(sorted(schema["required"])))
    return st.one_of(
        st.tuples(without, st.just({"BAD_SCRIPT"})),
        st.tuples(st.builds(lambda value, name, wrong: {**value, name: wrong}, right, names, other_types), st.just({"BAD_SCRIPT"})),
        st.tuples(st.builds(lambda value, blank: {**value, "script": blank}, right, st.text(" \t\r\n\f\v", max_size=5)),
                  st.just({"BAD_SCRIPT"})),
        st.tuples(st.builds(lambda value, name, more: {**value, name: more}, right, unknown, _ANY_JSON.filter(_is_finite)),
                  st.just({"BAD_INPUT", "BAD_ENCODING", "BAD_BODY"})),
        st.tuples(st.one_of(other_types.filter(lambda v: v != {}), st.text()), st.just({"BAD_BODY"})))


def _is_finite(value):
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _check_by_document(answer):
    """The status is documented for the route, with its headers; the body has gone through the contract already."""
    operations = _DOCUMENT["paths"].get(answer.path)
    operation = (operations or {}).get("get" if answer.method == "HEAD" else answer.method.lower())
    if operation is None:
        wanted = 405 if operations else 404
        assert answer.status in (400, wanted), f"{answer!r} is not documented"
        responses = (next(iter(operations.values())) if operations else _DOCUMENT["x-unknown-path"])["responses"]
    else:
        responses = operation["responses"]
    response = _resolve(responses[str(answer.status)])
    for name, header in response.get("headers", {}).items():
        header = _resolve(header)
        values = answer.header_list(name)
        assert len(values) <= 1 and (values or not header.get("required")), f"{name}: {values}"
        for value in values:
            number = header["schema"].get("type") == "integer"
            jsonschema.Draft202012Validator(header["schema"]).validate(int(value) if number else value)
    kind = answer.header("Content-Type").split(";")[0]
    assert kind in response["content"], f"{kind} is not documented for {answer.status} of {answer.path}"
    return answer


@examples(40)
@given(_from_schema(_REQUEST))
def test_valid_requests(sender, body):
    answer = _check_by_document(_never_ours(sender.post(json.dumps(body).encode())))
    lone = any("\ud800" <= letter <= "\udfff" for letter in body["script"])
    assert answer.code not in _REFUSED or lone, f"valid by the document, refused: {answer!r}"


@examples(60)
@given(_wrong(_REQUEST))
@example(({"script": 2**64}, {"BAD_SCRIPT"}))
@example(({"script": "def main(): pass", "seed": -(2**70)}, {"BAD_INPUT"}))
def test_requests_with_one_thing_wrong(sender, case):
    body, codes = case
    assert not jsonschema.Draft202012Validator(_REQUEST).is_valid(body)
    answer = _check_by_document(sender.post(json.dumps(body).encode()))
    lone = re.search("[\ud800-\udfff]", json.dumps(body, ensure_ascii=False))
    assert answer.code in codes | ({"BAD_BODY", "BAD_ENCODING"} if lone else set()), f"{answer!r}, not {codes}"


@examples(100)
@given(st.sampled_from(sorted(_DOCUMENT["paths"])), st.sampled_from(_METHODS), st.one_of(st.none(), st.binary(max_size=50)),
       st.sampled_from([JSON, "text/plain", None]), st.sampled_from(["*/*", "text/html", JSON]),
       st.sampled_from(["", "?", "?a=b", "/", "/x", "%00", "//"]))
def test_every_route_and_method(sender, path, method, body, content_type, accept, behind):
    headers = {"Accept": accept, **({"Content-Type": content_type} if content_type else {})}
    answer = sender.request(method, path + behind, body, headers)
    _check_by_document(answer)
    if behind in ("", "?", "?a=b") and method.lower() in _DOCUMENT["paths"][path] and method == "GET":
        assert answer.status == 200, repr(answer)


def test_every_route_with_every_method_once(sender):
    """... whatever Hypothesis chooses."""
    for path, operations in _DOCUMENT["paths"].items():
        for method in _METHODS:
            answer = _check_by_document(sender.request(method, path))
            known = method.lower() in operations or (method == "HEAD" and "get" in operations)
            assert (answer.status == 405) == (not known), repr(answer)
    assert _check_by_document(sender.get("/nothing")).status == 404


# -- nobody gets what is somebody else's -----------------------------------------------------------------------

_MARK = re.compile(rb"token-[0-9a-f]{16}")
_WORKERS, _EACH = 6, 12
_BIG = 300000


def _plain(token):
    return f"print('{token}')\ndef main():\n    return '{token}'\n"


def _check_ok(answer, token):
    assert (answer.status, answer.result, answer.stdout) == (200, token, token + "\n"), repr(answer)


def _check_exception(answer, token):
    assert answer.code == "EXCEPTION" and answer.details["message"] == token and answer.stdout == token + "\n", repr(answer)


def _check_syntax(answer, token):
    assert answer.code == "SYNTAX_ERROR" and token in answer.details["text"], repr(answer)


def _check_large(answer, token):
    assert answer.status == 200 and answer.result == [token] * 9 and answer.json()["stdout_truncated"] is True, repr(answer)
    assert set(answer.stdout.split("\n")[:-1]) == {token}, "another's output, or none"


def _check_member(answer, token):
    assert answer.code == "BAD_INPUT" and answer.details["member"] == token, repr(answer)


def _check_malformed(answer, _token):
    assert answer.code == "BAD_BODY", repr(answer)


def _check_crash(answer, token):
    assert answer.code == "CRASHED" and answer.stdout == token + "\n", repr(answer)


def _check_timeout(answer, token):
    assert answer.code == "TIMEOUT" and answer.stdout == token + "\n", repr(answer)


def _script(text):
    return lambda token: json.dumps({"script": text.replace("TOKEN", token)}).encode()


# kind: (the body with this token, what its answer must be)
_KINDS = {
    "ok": (lambda token: json.dumps({"script": _plain(token)}).encode(), _check_ok),
    "with numpy": (_script("import numpy\nprint('TOKEN')\ndef main():\n    return str(numpy.array(['TOKEN'])[0])"), _check_ok),
    "slow": (_script("import time\nprint('TOKEN')\ndef main():\n    time.sleep(0.15)\n    return 'TOKEN'"), _check_ok),
    "exception": (_script("print('TOKEN')\ndef main():\n    raise ValueError('TOKEN')"), _check_exception),
    "syntax error": (_script("def main():\n    return 'TOKEN"), _check_syntax),
    "large stdout": (_script(f"def main():\n    print('TOKEN\\n' * {_BIG // 23}, end='')\n    return ['TOKEN'] * 9"), _check_large),
    "unknown member": (lambda token: json.dumps({token: 1}).encode(), _check_member),
    "malformed body": (lambda token: b'{"script": "' + token.encode(), _check_malformed),
    "crash": (_script("import os\nprint('TOKEN', flush=True)\ndef main():\n    os.abort()"), _check_crash),
    "timeout": (_script("import time\nprint('TOKEN')\ndef main():\n    time.sleep(9)"), _check_timeout),
}
_USUAL = [kind for kind in _KINDS if kind != "timeout"]


class _Asked:
    """One request of a worker."""

    def __init__(self, kind, rng):
        self.kind, self.token = kind, "token-%016x" % rng.getrandbits(64)
        body = _KINDS[kind][0](self.token)
        head = f"POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: {JSON}\r\nX-Request-Id: {self.token}\r\n"
        self.bytes = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def check(self, answer):
        """It is the answer to this request, and holds nobody else's token."""
        assert answer.header("X-Request-Id") == self.token, f"{self.kind}: the answer to another request: {answer!r}"
        others = set(_MARK.findall(answer.body)) - {self.token.encode()}
        assert not others, f"{self.kind} of {self.token} was given {others}"
        _KINDS[self.kind][1](answer, self.token)


class _Worker(threading.Thread):
    """Sends its requests, some over one connection, some pipelined, and leaves some before their answer."""

    def __init__(self, port, seed, number):
        super().__init__(daemon=True)
        self._port, self._number, self._rng, self._rest = port, number, random.Random(f"{seed} {number}"), b""
        self._socket = self.failure = None

    def run(self):
        try:
            done = self._first()
            while done < _EACH:
                done += self._rng.choice([self._one, self._one, self._some_at_once, self._leave])()
        except Exception as error:  # pylint: disable=broad-except  # told by the test
            self.failure = error
        finally:
            self._hang_up()

    def _hang_up(self):
        if self._socket:
            self._socket.close()
        self._socket, self._rest = None, b""

    def _ask(self, count):
        asked = [_Asked(self._rng.choice(_USUAL), self._rng) for _ in range(count)]
        if not self._socket:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        self._socket.sendall(b"".join(one.bytes for one in asked))
        return asked

    def _receive(self):
        while True:
            answer, self._rest = read_answer(self._rest)
            if answer:
                return check(answer)
            piece = self._socket.recv(65536)
            assert piece, f"closed in the middle: {self._rest[:200]!r}"
            self._rest += piece

    def _first(self):
        """One that waits for its deadline, for one of the workers."""
        if self._number:
            return 0
        asked = _Asked("timeout", self._rng)
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        self._socket.sendall(asked.bytes)
        asked.check(self._receive())
        return 1

    def _one(self):
        for asked in self._ask(1):
            asked.check(self._receive())
        if self._rng.random() < 0.3:
            self._hang_up()
        return 1

    def _some_at_once(self):
        asked = self._ask(self._rng.randint(2, 4))
        for one in asked:
            one.check(self._receive())
        return len(asked)

    def _leave(self):
        """The client goes in the middle: of its request, of its job, or of its answer."""
        asked = self._ask(self._rng.randint(1, 2))
        time.sleep(self._rng.choice([0, 0.001, 0.01, 0.05]))
        if self._rng.random() < 0.5:
            self._socket.settimeout(0.02)
            try:
                self._socket.recv(10)
            except socket.timeout:
                pass
        self._hang_up()
        return len(asked)


def test_mixed_requests(server):
    """Whatever runs at the same time, fails, floods or is left by its client: each has its own answer and no other."""
    seed = int(os.environ.get("SAFE_EXEC_TEST_SEED", random.randrange(1 << 32)))
    for round_ in range(max(1, PERCENT // 100)):
        workers = [_Worker(server.port, f"{seed} {round_}", number) for number in range(_WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        failures = [worker.failure for worker in workers if worker.failure]
        stuck = sum(worker.is_alive() for worker in workers)
        assert not failures and not stuck, f"SAFE_EXEC_TEST_SEED={seed}, round {round_}: {stuck} stuck, {failures}"
    wait_until(lambda: not server.job_pids(), 5, "nothing of them is left")
