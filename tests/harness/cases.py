# SPDX-License-Identifier: MIT
"""Reads tests/cases/<name>/ and compares an answer with its expect.json.

The format is described in tests/cases/README.md; every member that expect.json may have
is one function in _RULES, and an unknown member is a failure.
"""

import json
import os
import re
import runpy

from . import contract

__all__ = ["Case", "load_all", "compare"]

CASES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cases")
# Members that say how to run a case, not what to expect.
_NEEDS = {"processes", "strong"}        # see README.md; test_cases.py skips
_SETTINGS = {"why", "where", "server", "request_headers", "chunked", "needs", "max_seconds"}


class Case:
    """One directory below tests/cases/."""

    def __init__(self, name):
        self.name = name
        self.directory = os.path.join(CASES, name)
        self.expect = json.loads(self._read("expect.json"))
        self.server = self.expect.get("server", {})
        self.needs = self.expect.get("needs", [])
        assert set(self.needs) <= _NEEDS, f"{name}: needs what nobody knows"
        self.headers = {"Content-Type": "application/json",
                        **self.expect.get("request_headers", {})}
        self.headers = {k: v for k, v in self.headers.items() if v is not None}

    def _read(self, filename):
        with open(os.path.join(self.directory, filename), "rb") as f:
            return f.read()

    def body(self):
        """The bytes to send: script.py wrapped, request.json as it is, or BODY of request.py."""
        files = os.listdir(self.directory)
        if "script.py" in files:
            return json.dumps({"script": self._read("script.py").decode("utf-8")}).encode()
        if "request.json" in files:
            return self._read("request.json")
        return runpy.run_path(os.path.join(self.directory, "request.py"))["BODY"]


def load_all():
    """All cases in the order of their names."""
    return [Case(name) for name in sorted(os.listdir(CASES))
            if os.path.isdir(os.path.join(CASES, name))]


def compare(answer, expect, facts):
    """Fails with the reason when the answer is not what expect (a dict) says; facts are those of the service (facts.py)."""
    if "any_of" in expect:
        reasons = []
        for choice in expect["any_of"]:
            if "where" in choice and not facts[choice["where"]]:
                continue
            try:
                return compare(answer, choice, facts)
            except AssertionError as e:
                reasons.append(str(e))
        raise AssertionError("none of the accepted answers:\n" + "\n".join(reasons))
    unknown = set(expect) - set(_RULES) - _SETTINGS
    assert not unknown, f"expect.json: unknown members {sorted(unknown)}"
    assert "code" in expect or "status" in expect or _SUCCESS & set(expect), "expects nothing"
    if "status" not in expect:
        code = expect.get("code")
        _status(answer, contract.STATUS_OF[code] if code else 200)
    for name, wanted in expect.items():
        if name in _RULES:
            _RULES[name](answer, wanted)
    return None


def _same(what, got, wanted, answer):
    assert got == wanted and type(got) is type(wanted), (
        f"{what}: wanted {str(wanted)[:400]!r}, got {str(got)[:400]!r} in {answer!r}")


def _evaluate(expression):
    return eval(expression, {})  # pylint: disable=eval-used  # the suite's own files


def _status(answer, wanted):
    _same("status", answer.status, wanted, answer)


def _code(answer, wanted):
    _same("code", answer.code, wanted, answer)


def _body(answer, wanted):
    _same("body", answer.json(), wanted, answer)
    assert list(answer.json()) == list(wanted), "order of members"


def _result(answer, wanted):
    _same("result", answer.result, wanted, answer)


def _compact(text):
    """JSON text without the white space between its tokens; every token stays byte for byte."""
    return re.sub(r'("(?:[^"\\]|\\.)*")|\s+', lambda match: match.group(1) or "", text)


def _result_text(answer, wanted):
    _same("result_text", _compact(contract.result_text(answer.body)), _compact(wanted), answer)


def _stdout(answer, wanted):
    _same("stdout", answer.stdout, wanted, answer)


def _subset(path, got, wanted):
    """Objects: each wanted member; everything else must be equal."""
    if isinstance(wanted, dict):
        assert isinstance(got, dict), f"{path}: wanted an object, got {got!r}"
        for name, value in wanted.items():
            assert name in got, f"{path}: no member {name!r} in {got!r}"
            _subset(f"{path}.{name}", got[name], value)
    else:
        assert got == wanted, f"{path}: wanted {wanted!r}, got {got!r}"


def _details(answer, wanted):
    _subset("details", answer.details, wanted)


def _details_match(answer, wanted):
    for name, pattern in wanted.items():
        value = str(answer.details.get(name))
        assert re.search(pattern, value), f"details.{name}: no {pattern!r} in:\n{value}"


def _strings(value):
    return [value] if isinstance(value, str) else value


def _message_contains(answer, wanted):
    message = answer.json()["error"]["message"]
    for part in _strings(wanted):
        assert part.lower() in message.lower(), f"no {part!r} in the message: {message!r}"


def _stdout_match(answer, pattern):
    assert re.search(pattern, answer.stdout), f"no {pattern!r} in {answer.stdout[:2000]!r}"


def _lacks(answer, wanted):
    text = answer.body.decode("utf-8")
    for part in _strings(wanted):
        assert part not in text, f"{part!r} must not be in {text[:4000]}"


def _headers(answer, wanted):
    for name, pattern in wanted.items():
        value = answer.header(name)
        assert re.search(pattern, value), f"header {name}: no {pattern!r} in {value!r}"


_RULES = {
    "status": _status,
    "code": _code,
    "body": _body,
    "result": _result,
    "result_text": _result_text,
    "result_text_py": lambda answer, e: _result_text(answer, _evaluate(e)),
    "result_match": lambda answer, p: _same("match", bool(re.search(p, str(answer.result))),
                                            True, answer),
    "stdout": _stdout,
    "stdout_py": lambda answer, e: _stdout(answer, _evaluate(e)),
    "stdout_match": _stdout_match,
    "truncated": lambda answer, wanted: _same("stdout_truncated", "stdout_truncated" in
                                              answer.json(), wanted, answer),
    "details": _details,
    "details_match": _details_match,
    "message_contains": _message_contains,
    "lacks": _lacks,
    "headers": _headers,
}
_SUCCESS = {"body", "result", "result_text", "result_text_py", "result_match"}
