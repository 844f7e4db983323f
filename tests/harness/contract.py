# SPDX-License-Identifier: MIT
"""What every answer must be, whatever the test is about.

check() runs on each answer that the suite receives: headers, strict JSON, the schema of
src/web/assets/openapi.json for that path and status, the order of members, and the table
of error codes below. A test then only says what is particular to it.
"""

import functools
import json
import os
import re
import sys

import jsonschema

from .server import ROOT

__all__ = ["STATUS_OF", "STARTED", "OPENAPI", "check", "check_json", "strict_json",
           "result_text", "openapi",
           "made_by_library"]

OPENAPI = os.path.join(ROOT, "src", "web", "assets", "openapi.json")

# The table of error codes: code -> HTTP status.
STATUS_OF = {
    "BAD_CONTENT_TYPE": 415, "BAD_BODY": 400, "BAD_ENCODING": 400, "BAD_SCRIPT": 400,
    "BAD_INPUT": 400, "SCRIPT_TOO_LARGE": 413, "SYNTAX_ERROR": 400, "NO_MAIN": 400,
    "INVALID_MAIN": 400, "IMPORT_ERROR": 400, "EXCEPTION": 400, "NON_JSON_RETURN": 400,
    "RESULT_TOO_LARGE": 400, "TIMEOUT": 400, "MEMORY_LIMIT": 400, "CRASHED": 400,
    "EMPTY_OUTPUT": 400, "BAD_RUNNER_OUTPUT": 400, "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405, "OVERLOADED": 503, "INTERNAL": 500,
}

# Codes of a script that was running: stdout until then is part of the answer.
STARTED = {"IMPORT_ERROR", "EXCEPTION", "NON_JSON_RETURN", "RESULT_TOO_LARGE", "TIMEOUT",
           "MEMORY_LIMIT", "CRASHED", "EMPTY_OUTPUT", "BAD_RUNNER_OUTPUT"}
# Codes of a request that never became a job.
NEVER_STARTED = {"BAD_CONTENT_TYPE", "BAD_BODY", "BAD_ENCODING", "BAD_SCRIPT", "BAD_INPUT",
                 "SCRIPT_TOO_LARGE", "NOT_FOUND", "METHOD_NOT_ALLOWED"}

# Results may be deeper and their integers longer than Python's own json allows by default.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 12000))
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)


@functools.lru_cache(maxsize=None)
def openapi():
    """The document as it is in the source tree."""
    with open(OPENAPI, encoding="utf-8") as f:
        return json.load(f)


@functools.lru_cache(maxsize=None)
def _validator(path, method, status):
    """The schema of one response, or a failure when the document does not know it."""
    document = openapi()
    operations = document["paths"].get(path)
    if operations is None:                         # an unknown path: the common error shape
        schema = {"$ref": "#/components/schemas/Error"}
    else:
        operation = operations.get("get" if method == "HEAD" else method.lower())
        if operation is None:                      # 405 is not repeated for each method
            assert status == 405, f"{method} {path} is not in openapi.json"
            schema = {"$ref": "#/components/schemas/Error"}
        else:
            response = operation["responses"].get(str(status))
            assert response is not None, f"{method} {path}: {status} is not in openapi.json"
            schema = {"$ref": f"#/paths/{_pointer(path)}/{method.lower()}/responses/{status}"
                              "/content/application~1json/schema"}
            if "$ref" in response:
                schema = {"$ref": response["$ref"] + "/content/application~1json/schema"}
    resolver = jsonschema.RefResolver.from_schema(document)
    return jsonschema.Draft202012Validator(schema, resolver=resolver)


def _pointer(text):
    return text.replace("~", "~0").replace("/", "~1")


def _no_duplicates(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), "duplicate member in an answer"
    return dict(pairs)


def _no_constant(name):
    raise AssertionError(f"{name} is not JSON")


def strict_json(body):
    """body (bytes) as a value; UTF-8, no duplicate members, no NaN."""
    return json.loads(body.decode("utf-8"), object_pairs_hook=_no_duplicates,
                      parse_constant=_no_constant)


def result_text(body):
    """The bytes of "result" in a successful answer, exactly as they were sent."""
    text = body.decode("utf-8")
    head = re.match(r'\{\s*"result"\s*:\s*', text)
    assert head, f"the answer does not begin with result: {text[:80]!r}"
    _, end = json.JSONDecoder().raw_decode(text, head.end())
    return text[head.end():end]


def made_by_library(answer):
    """Whether the HTTP library refused the request before the service saw it.

    Such an answer cannot have the shape of the contract; it must still be a refusal.
    """
    return (not answer.header("X-Request-Id") and not _is_json(answer)
            and answer.status in (400, 408, 413, 414, 431, 501, 505))


def check(answer, early=False):
    """One answer to one request, by the contract. Returns it.

    early: the request is so broken that the HTTP library may refuse it by itself.
    """
    if early and made_by_library(answer):
        return answer
    try:
        _check_headers(answer)
        if answer.method != "HEAD" and _is_json(answer):
            check_json(answer)
    except (AssertionError, ValueError, jsonschema.ValidationError) as e:
        raise AssertionError(f"{answer.method} {answer.path} -> {answer.status} breaks the "
                             f"contract: {e}\n{answer.body[:2000]!r}") from e
    return answer


def _is_json(answer):
    return answer.header("Content-Type").split(";")[0].strip() == "application/json"


def _check_headers(answer):
    assert answer.header("Content-Type"), "no Content-Type"
    assert len(answer.header_list("Content-Type")) == 1
    assert answer.header("X-Content-Type-Options") == "nosniff", "no nosniff"
    assert re.fullmatch(r"[\x21-\x7e]{1,128}", answer.header("X-Request-Id")), "X-Request-Id"
    assert not answer.header("Access-Control-Allow-Origin"), "other sites must not read answers"
    if answer.path == "/execute" or answer.status >= 400:
        assert _is_json(answer), "not application/json"


def check_json(answer):
    """The body of a JSON answer: strict, by the schema, members in their order."""
    value = strict_json(answer.body)
    _validator(answer.path, answer.method, answer.status).validate(value)
    if "error" in value:
        _check_error(answer, value)
    elif answer.path == "/execute":
        assert answer.status == 200
        assert list(value) in (["result", "stdout"], ["result", "stdout", "stdout_truncated"])
        assert value.get("stdout_truncated", True) is True


def _check_error(answer, value):
    assert list(value) in (["error"], ["error", "stdout"], ["error", "stdout", "stdout_truncated"]), \
        "order of members"
    error = value["error"]
    assert list(error) in (["code", "message"], ["code", "message", "details"])
    code = error["code"]
    assert STATUS_OF.get(code) == answer.status, f"{code} came with {answer.status}"
    assert len(error["message"].split()) >= 3, "the message is no sentence"
    if code in STARTED:
        assert "stdout" in value, f"{code} without stdout"
    if code in NEVER_STARTED:
        assert "stdout" not in value, f"{code} with stdout"
    if code == "OVERLOADED":
        assert answer.header("Retry-After").isdigit()
    if code == "METHOD_NOT_ALLOWED":
        assert answer.header("Allow")
