# SPDX-License-Identifier: MIT
"""Hostile HTTP over raw sockets.

Whatever arrives, the service answers 4xx (or 501, 505) or closes the connection, says nothing
more on that connection, and serves the next client from the same processes.
"""

import ctypes
import json
import os
import re
import socket
import threading
import time
import urllib.parse

import pytest

from harness.client import converse, read_answer, request_bytes
from harness.looks import cpu_seconds
from harness.server import wait_until

pytestmark = pytest.mark.usefixtures("unharmed")

SCRIPT = "def main(): return 'ran'"
BODY = json.dumps({"script": SCRIPT}).encode()
HIDDEN = b"GET /execute HTTP/1.1\r\nHost: localhost\r\n\r\n"     # its answer would be 405
CHUNKED_BODY = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
# Deadlines of the service for the headers and for a whole body, in seconds.
HEADER_DEADLINE, BODY_DEADLINE = 10, 15


def post(*headers, body=BODY, length=True, host=True, content_type=True, line=b"POST /execute HTTP/1.1"):
    """A POST with extra header lines; the usual ones can be left out."""
    lines = [line]
    if host:
        lines.append(b"Host: localhost")
    if content_type:
        lines.append(b"Content-Type: application/json")
    if length:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, *headers]) + b"\r\n\r\n" + body


def get(*headers, line=b"GET /health HTTP/1.1", host=b"Host: localhost"):
    return b"\r\n".join([line, *([host] if host else []), *headers]) + b"\r\n\r\n"


def te(value, length=False):
    """A chunked request whose Transfer-Encoding is written like this."""
    return post(b"Transfer-Encoding: " + value, body=CHUNKED_BODY, length=length)


# Requests that must be refused: at most one answer, 4xx or 501/505, then the connection ends.
REFUSED = {
    "te-and-content-length": te(b"chunked", length=True),
    "te-and-content-length-zero": post(b"Transfer-Encoding: chunked", b"Content-Length: 0", body=CHUNKED_BODY, length=False),
    "te-after-content-length-other-case": post(b"transfer-ENCODING: chunked"),
    "te-folded-and-content-length": post(b"Transfer-Encoding:\r\n chunked"),
    "te-list": te(b"gzip, chunked"),
    "te-identity-list": te(b"Chunked, identity"),
    "te-identity": te(b"identity"),
    "te-unknown": te(b"xchunked"),
    "te-suffix": te(b"chunkedx"),
    "te-quoted": te(b'"chunked"'),
    "te-parameter": te(b"chunked;q=1"),
    "te-empty": te(b""),
    "te-comma": te(b",chunked"),
    "te-vertical-tab": te(b"\x0bchunked"),
    "te-nul": te(b"chunked\x00"),
    "te-twice": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=CHUNKED_BODY, length=False),
    "te-twice-different": post(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked", body=CHUNKED_BODY, length=False),
    "two-lengths-same": post(b"Content-Length: %d" % len(BODY)),
    "two-lengths-different": post(b"Content-Length: 3"),
    "two-lengths-unknown-path": post(b"Content-Length: 0", line=b"POST /nothing HTTP/1.1"),
    "length-list": post(b"Content-Length: %d, %d" % (len(BODY), len(BODY)), length=False),
    "length-negative": post(b"Content-Length: -5", length=False),
    "length-plus": post(b"Content-Length: +%d" % len(BODY), length=False),
    "length-garbage": post(b"Content-Length: abc", length=False),
    "length-hexadecimal": post(b"Content-Length: 0x20", length=False),
    "length-fraction": post(b"Content-Length: 34.0", length=False),
    "length-empty": post(b"Content-Length: ", length=False),
    "length-over-64-bit": post(b"Content-Length: 99999999999999999999999", length=False),
    "length-2-to-64": post(b"Content-Length: 18446744073709551616", length=False),
    "length-huge": post(b"Content-Length: 1000000000000", length=False),
    "expect-continue-10-gib": post(b"Content-Length: 10737418240", b"Expect: 100-continue", length=False, body=b""),
    "te-in-http-1.0": te(b"chunked").replace(b"HTTP/1.1", b"HTTP/1.0\r\nConnection: keep-alive", 1),
    "space-in-target": get(line=b"GET /health?a b HTTP/1.1"),
    "two-hosts": post(b"Host: other"),
    "two-hosts-same": post(b"Host: localhost"),
    "no-host": post(host=False),
    "two-content-types": post(b"Content-Type: text/plain"),
    "two-content-types-same": post(b"Content-Type: application/json"),
    "content-encoding-gzip": post(b"Content-Encoding: gzip"),
    "content-encoding-identity": post(b"Content-Encoding: identity"),
    "header-flood": get(*[b"X-%d: y" % n for n in range(20000)]),
    "header-too-long": get(b"X-Long: " + b"a" * 1_000_000),
    "header-name-too-long": get(b"a" * 1_000_000 + b": x"),
    "url-too-long": get(line=b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1"),
    "query-too-long": get(line=b"GET /health?" + b"a" * 1_000_000 + b" HTTP/1.1"),
    "method-too-long": get(line=b"G" * 1_000_000 + b" / HTTP/1.1"),
    "version-9.9": get(line=b"GET /health HTTP/9.9"),
    "version-2.0": get(line=b"GET /health HTTP/2.0"),
    "version-garbage": get(line=b"GET /health HTTQ/1.1"),
    "http2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "tls-hello": bytes.fromhex("16030100c8010000c40303") + bytes(190) + b"\r\n\r\n",
    "binary-noise": bytes(range(256)) * 20 + b"\r\n\r\n",
    "unknown-method": get(line=b"BREW /health HTTP/1.1", host=b"Host: localhost\r\nConnection: close"),
    "method-lower-case": get(line=b"get /health HTTP/1.1", host=b"Host: localhost\r\nConnection: close"),
    "connect-method": get(line=b"CONNECT localhost:80 HTTP/1.1", host=b"Host: localhost\r\nConnection: close"),
    "trace-method": get(line=b"TRACE / HTTP/1.1", host=b"Host: localhost\r\nConnection: close"),
    "header-nul": get(b"X-A: a\x00b"),
    "header-name-space": post(b"Content-Length : 3"),
    "header-without-colon": post(b"this is no header"),
    "chunk-size-garbage": post(b"Transfer-Encoding: chunked", length=False, body=b"zz\r\nabc\r\n0\r\n\r\n"),
    "chunk-size-negative": post(b"Transfer-Encoding: chunked", length=False, body=b"-5\r\nabc\r\n0\r\n\r\n"),
    "chunk-size-overflow": post(b"Transfer-Encoding: chunked", length=False, body=b"1" + b"0" * 30 + b"\r\nabc\r\n"),
    "chunk-size-empty": post(b"Transfer-Encoding: chunked", length=False, body=b"\r\nabc\r\n0\r\n\r\n"),
    "chunk-size-plus": post(b"Transfer-Encoding: chunked", length=False, body=b"+3\r\nabc\r\n0\r\n\r\n"),
    "chunk-size-hex-prefix": post(b"Transfer-Encoding: chunked", length=False, body=b"0x3\r\nabc\r\n0\r\n\r\n"),
    "chunk-longer-than-said": post(b"Transfer-Encoding: chunked", length=False, body=b"3\r\nabcdef\r\n0\r\n\r\n"),
    "chunk-huge": post(b"Transfer-Encoding: chunked", length=False, body=b"ffffffff\r\n" + b"x" * 3_000_000),
    "chunked-without-end": post(b"Transfer-Encoding: chunked", length=False, body=b"10000\r\n%s\r\n" % (b"x" * 65536) * 200),
    "chunk-extension-too-long": post(b"Transfer-Encoding: chunked", length=False,
                                     body=b"%x;e=%s\r\n%s\r\n0\r\n\r\n" % (len(BODY), b"a" * 1_000_000, BODY)),
    "chunk-trailers-flood": post(b"Transfer-Encoding: chunked", length=False,
                                 body=CHUNKED_BODY[:-2] + b"X-T: %s\r\n" % (b"t" * 1000) * 1000 + b"\r\n"),
}

# Requests that may be understood or refused, but never both: one answer, and if it is 200 then
# it is the answer to this request.
TOLERATED = {
    "te-trailing-space": te(b"chunked  "),
    "te-leading-tab": te(b"\tchunked"),
    "te-upper-case": te(b"CHUNKED"),
    "length-leading-zeros": post(b"Content-Length: 000%d" % len(BODY), length=False),
    "length-spaces": post(b"Content-Length:    %d   " % len(BODY), length=False),
    "bare-lf": post().replace(b"\r\n", b"\n"),
    "bare-cr-in-value": post(b"X-A: a\rb"),
    "obs-fold": post(b"X-A: a\r\n b"),
    "http-1.0-without-host": post(host=False, line=b"POST /execute HTTP/1.0"),
    "http-0.9": b"GET /health\r\n\r\n",
    "leading-empty-lines": b"\r\n\r\n" + post(),
    "absolute-url": post(line=b"POST http://localhost/execute HTTP/1.1"),
    "empty-host": post(b"Host:", host=False),
    "expect-unknown": post(b"Expect: 200-maybe"),
    "upgrade": post(b"Connection: Upgrade", b"Upgrade: h2c"),
    "chunk-extension": post(b"Transfer-Encoding: chunked", length=False,
                            body=b"%x;name=value\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "chunk-trailer": post(b"Transfer-Encoding: chunked", length=False, body=CHUNKED_BODY[:-2] + b"X-T: 1\r\n\r\n"),
    "dot-segments": post(line=b"POST /x/../execute HTTP/1.1"),
    "percent-encoded-path": post(line=b"POST /%65xecute HTTP/1.1"),
    "double-slash": post(line=b"POST //execute HTTP/1.1"),
    "fragment": post(line=b"POST /execute#x HTTP/1.1"),
    "semicolon": post(line=b"POST /execute;x=1 HTTP/1.1"),
}


def target(data):
    """(method, path) of a request, as well as they can be read, and decoded as the library does it."""
    words = data.partition(b"\r\n")[0].decode("latin-1").split()
    path = urllib.parse.unquote(words[1].partition("?")[0]) if len(words) > 1 else "/execute"
    return (words[0] if words else "POST"), (path if len(path) < 1000 else "/too/long")


def refused(status):
    return 400 <= status < 500 or status in (501, 505)


# Version 0.9 of the library ends a header value at NUL and shows nobody what came after; version 1.0 refuses it.
NEEDS_LIBRARY_1 = ("te-nul", "header-nul")


def library_version():
    library = ctypes.CDLL("libmicrohttpd.so.12")
    library.MHD_get_version.restype = ctypes.c_char_p
    return int(library.MHD_get_version().split(b".")[0])


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, server):
    """Refused once, and what follows on the connection is never answered."""
    if name in NEEDS_LIBRARY_1 and library_version() < 1:
        pytest.skip("libmicrohttpd before 1.0 hides a NUL in a header value")
    method, path = target(REFUSED[name])
    talk = converse(server, REFUSED[name] + HIDDEN, method=method, path=path, early=True)
    assert talk.closed, f"the connection stays open: {talk}"
    assert len(talk.answers) <= 1, f"more than one answer: {talk}"
    assert all(refused(status) for status in talk.statuses), repr(talk)
    assert not talk.rest, f"something that is no answer: {talk}"


@pytest.mark.parametrize("name", TOLERATED)
def test_tolerated(name, server):
    """Understood or refused; either way one request gets one answer."""
    method, path = target(TOLERATED[name])
    talk = converse(server, TOLERATED[name], method=method, path=path, timeout=4, shut=True, early=True)
    assert len(talk.answers) <= 1, f"more than one answer: {talk}"
    assert not talk.rest, f"something that is no answer: {talk}"
    for answer in talk.answers:
        assert refused(answer.status) or b"ran" in answer.body or name == "http-0.9", repr(answer)


@pytest.mark.parametrize("size", (b"%x\r\n", b"%x\n", b"%x;\n", b"%x;a=\n"), ids=("plain", "lf", "lf-extension", "lf-value"))
def test_nothing_follows_chunks(size, server):
    """Where chunks end is read in more ways than one, so they are the last that a connection carries."""
    data = post(b"Transfer-Encoding: chunked", length=False, body=size % len(BODY) + BODY + b"\r\n0\r\n\r\n")
    talk = converse(server, data + HIDDEN)
    assert talk.closed and len(talk.answers) == 1 and not talk.rest, f"the connection stays open: {talk}"


def test_expect_continue(server):
    """A client that waits for permission gets it, then its answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
        s.sendall(post(b"Expect: 100-continue", b"Connection: close", body=BODY)[:-len(BODY)])
        assert s.recv(1000).startswith(b"HTTP/1.1 100 ")
        s.sendall(BODY)
        answer, _ = read_answer(b"".join(iter(lambda: s.recv(65536), b"")))
    assert answer.result == "ran"


def test_no_length_is_no_body(server):
    """Neither Content-Length nor Transfer-Encoding: an empty body, and the next request follows."""
    talk = converse(server, post(length=False, body=b"") + request_bytes(SCRIPT))
    assert talk.statuses == [400, 200] and talk.answers[0].code == "BAD_BODY"


def test_early_refusal_is_json(server):
    """Refusals that are ours have the shape of the contract."""
    for name in ("te-and-content-length", "te-list", "two-lengths-different", "two-hosts",
                 "content-encoding-gzip", "length-huge", "two-content-types", "no-host", "te-in-http-1.0",
                 "space-in-target"):
        talk = converse(server, REFUSED[name])
        assert [a.json()["error"]["code"] for a in talk.answers] and talk.closed and not talk.rest, name
        assert "close" in talk.answers[0].header("Connection").lower(), name


# -- connections ---------------------------------------------------------------------------------


def test_pipelined_requests_in_order(server):
    """Answers come in the order of the requests, none mixed."""
    scripts = [f"import time\ndef main():\n    time.sleep({delay})\n    return {n}"
               for n, delay in enumerate((0.3, 0, 0.1, 0, 0))]
    data = b"".join(request_bytes(s, close=False) for s in scripts)
    talk = converse(server, data, answers=5, timeout=30)
    assert [answer.result for answer in talk.answers] == [0, 1, 2, 3, 4]


def test_pipelined_after_refusal(server):
    """A refused request ends the connection: what came after it is not answered."""
    data = request_bytes(SCRIPT, close=False) + post(b"Content-Length: 1") + request_bytes(SCRIPT)
    talk = converse(server, data, timeout=20)
    assert talk.closed
    assert talk.statuses[0] == 200 and talk.statuses[1:] == [400]


def test_keep_alive_after_script_errors(server):
    """What is wrong with a script is no reason to close the connection."""
    scripts = ["def main(): return 1", "def main(): 1/0", "def main(:", "x = 1", "def main(): return 2"]
    data = b"".join(request_bytes(s, close=False) for s in scripts)
    talk = converse(server, data, answers=5, timeout=30)
    assert talk.statuses == [200, 400, 400, 400, 200] and not talk.closed


def test_connection_close_is_honoured(server):
    talk = converse(server, request_bytes(SCRIPT) + HIDDEN)
    assert talk.closed and talk.statuses == [200]


def test_http_1_0_closes(server):
    talk = converse(server, get(line=b"GET /health HTTP/1.0"), method="GET", path="/health")
    assert talk.closed and talk.statuses == [200]


def test_head_where_get(server):
    """HEAD has GET's headers and no body; the connection stays usable."""
    for path in ("/health", "/healthz", "/ready", "/", "/docs", "/openapi.json", "/routes"):
        line = f"HEAD {path} HTTP/1.1".encode()
        talk = converse(server, get(line=line) * 2, method="HEAD", path=path, answers=2)
        assert talk.statuses == [200, 200] and not talk.rest, path


def test_body_in_pieces(server):
    """Bytes may come in any pieces, as long as they come."""
    data = request_bytes(SCRIPT)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(data), 7):
            s.sendall(data[start:start + 7])
            time.sleep(0.002)
        answer, _ = read_answer(b"".join(iter(lambda: s.recv(65536), b"")))
    assert answer.result == "ran"


@pytest.mark.parametrize("sent", (b"", b"P", b"POST /execute HT", post()[:60], post()[:-5]),
                         ids=("nothing", "one-byte", "request-line", "headers", "body"))
def test_client_leaves_early(sent, server):
    """A connection that ends in the middle of a request is just gone."""
    talk = converse(server, sent, shut=True, timeout=2)
    assert not any(status == 200 for status in talk.statuses)


def test_client_resets(server):
    """RST instead of FIN, many times."""
    for _ in range(50):
        s = socket.create_connection(("127.0.0.1", server.port))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.sendall(request_bytes(SCRIPT)[:40])
        s.close()


def test_disconnect_stops_the_job(server, client):
    """A client that left has its job stopped, long before the time limit."""
    before = server.identity()
    with socket.create_connection(("127.0.0.1", server.port)) as s:
        s.sendall(request_bytes("import time\ndef main():\n    time.sleep(2.8)"))
        wait_until(lambda: client.health()["jobs"]["running"] == 1, 5, "the job runs")
        started = time.monotonic()
    wait_until(lambda: client.health()["jobs"]["running"] == 0, 2, "the job is stopped")
    assert time.monotonic() - started < 2
    wait_until(lambda: not server.job_pids(), 5, "its processes are gone")
    assert server.identity() == before


def test_disconnect_while_queued(server, client):
    """A client that left while it waited for a slot is not run."""
    slow = request_bytes("import time\ndef main():\n    time.sleep(1)")
    running = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
    for s in running:
        s.sendall(slow)
    wait_until(lambda: client.health()["jobs"]["running"] == 2, 5, "both slots are taken")
    with socket.create_connection(("127.0.0.1", server.port)) as waiting:
        waiting.sendall(slow)
        wait_until(lambda: client.health()["jobs"]["queued"] == 1, 5, "the third waits")
    wait_until(lambda: client.health()["jobs"]["queued"] == 0, 2, "it is taken from the queue")
    for s in running:
        s.close()
    wait_until(lambda: client.health()["jobs"]["running"] == 0, 5, "all are stopped")


def test_thousand_idle_connections(server, client):
    """Idle connections cost nothing: a normal request is answered beside them."""
    idle = []
    try:
        for n in range(1000):
            s = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            if n % 2:
                s.sendall(b"POST /execute HTTP/1.1\r\nHost:")
            idle.append(s)
        assert client.result("def main(): return 'beside them'") == "beside them"
    finally:
        for s in idle:
            s.close()


def test_client_that_does_not_read(server):
    """An answer that nobody reads holds up nobody else."""
    big = request_bytes("def main(): return 'x' * 1000000", close=False)
    stuck = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(4)]
    try:
        for s in stuck:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(big * 3)
        talk = converse(server, request_bytes(SCRIPT), timeout=20)
        assert talk.answers[0].result == "ran"
    finally:
        for s in stuck:
            s.close()


STUCK = {
    "request-line": b"GET /" + b"a" * 100_000,
    "header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 100_000,
    "half-a-body": post()[:-5],
    "chunk-extension": post(b"Transfer-Encoding: chunked", length=False, body=b"5;" + b"e" * 100_000),
    "chunk-trailer": post(b"Transfer-Encoding: chunked", length=False, body=CHUNKED_BODY[:-2] + b"X-T: " + b"t" * 100_000),
}


@pytest.mark.parametrize("name", STUCK)
def test_stuck_connection_costs_no_cpu(name, server):
    """A connection that gets nowhere is closed or waits; it does not keep the service busy."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
        try:
            s.sendall(STUCK[name])
        except ConnectionError:
            return
        time.sleep(0.2)
        before = cpu_seconds(server.web_pid())
        time.sleep(1)
        assert cpu_seconds(server.web_pid()) - before < 0.5, "the service is spinning"


@pytest.mark.slow
def test_drip_has_a_deadline(server, client):
    """A byte a second is not progress: headers and bodies have deadlines of their own."""
    drips = {
        "header": (b"POST /execute HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"a", HEADER_DEADLINE),
        "header-lines": (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n", HEADER_DEADLINE),
        "request-line": (b"", b"G", HEADER_DEADLINE),
        "silence": (b"POST /execute HTTP/1.1\r\n", b"", HEADER_DEADLINE),
        "body": (post(b"Content-Length: 5000", length=False, body=b'{"script": "#'), b"x", BODY_DEADLINE),
        "chunks": (post(b"Transfer-Encoding: chunked", length=False, body=b""), b"1\r\nx\r\n", BODY_DEADLINE),
        "chunk-extension": (post(b"Transfer-Encoding: chunked", length=False, body=b"5;"), b"e", BODY_DEADLINE),
    }
    seconds, errors = {}, []

    def drip(name, start, piece):
        began = time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=1) as s:
                s.sendall(start)
                while time.monotonic() - began < 40:
                    try:
                        data = s.recv(65536)
                        if data and not re.match(rb"HTTP/1\.1 4\d\d ", data):
                            errors.append((name, data))
                        if not data or name == "silence":
                            break
                    except socket.timeout:
                        s.sendall(piece)
        except ConnectionError:
            pass
        seconds[name] = time.monotonic() - began

    threads = [threading.Thread(target=drip, args=(name, start, piece))
               for name, (start, piece, _) in drips.items()]
    for t in threads:
        t.start()
    assert client.result("def main(): return 1") == 1
    for t in threads:
        t.join()
    assert not errors
    late = {name: took for name, took in seconds.items() if took > drips[name][2] + 10}
    assert not late, f"open for too long: {late}"


# -- request ids -----------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ("abc-123", "x", "a" * 128, "~!@#$%^&*()_+{}|:<>?"),
                         ids=("plain", "one", "longest", "signs"))
def test_request_id_is_echoed(given, client):
    assert client.get("/health", X_Request_Id=given).header("X-Request-Id") == given


@pytest.mark.parametrize("given", (b"a" * 129, b"two words", b"\xff\xfe", b"tab\there", b"caf\xc3\xa9", b""),
                         ids=("too-long", "space", "not-utf-8", "tab", "not-ascii", "empty"))
def test_request_id_is_replaced(given, server):
    """What is not visible ASCII up to 128 gets a new id."""
    talk = converse(server, get(b"X-Request-Id: " + given), method="GET", path="/health", answers=1)
    assert talk.answers, repr(talk)
    assert talk.answers[0].header("X-Request-Id").encode("latin-1") not in (given, b"")


def test_request_ids_are_unique(client):
    ids = {client.get("/health").header("X-Request-Id") for _ in range(50)}
    assert len(ids) == 50


def test_request_id_cannot_add_headers(server):
    talk = converse(server, get(b"X-Request-Id: a\rX-Evil: 1"), method="GET", path="/health", answers=1, timeout=4)
    assert not any(answer.header_list("X-Evil") for answer in talk.answers)


def test_bodies_have_a_budget_together(server):
    """Many clients that each send most of a body: web keeps its size, and small requests are still answered."""
    body = b"x" * 1_200_000
    head = b"POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1228800\r\n\r\n"
    clients = []
    try:
        for _ in range(150):
            client = socket.create_connection(("127.0.0.1", server.port))
            client.settimeout(2)
            clients.append(client)
            try:
                client.sendall(head + body)
            except OSError:
                pass                               # turned away already
        with open(f"/proc/{server.web_pid()}/status", encoding="ascii") as status:
            resident = int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))
        for _ in range(5):
            talk = converse(server, post(), method="POST", path="/execute", answers=1)
            assert [answer.status for answer in talk.answers] == [200], repr(talk)
            time.sleep(0.2)
        # AddressSanitizer keeps what is freed for a while
        assert resident < 120_000 or "san" in os.environ.get("SAFE_EXEC_BIN", ""), f"{resident} KB"
    finally:
        for client in clients:
            client.close()
