# SPDX-License-Identifier: MIT
"""Clients: Client for honest requests (urllib3), converse() for hostile bytes (a socket).

Both give Answer objects, and every Answer goes through the contract.
"""

import json
import socket
import time

import urllib3

from . import contract

__all__ = ["Answer", "Client", "Talk", "converse", "read_answer", "request_bytes"]

JSON = "application/json"


class Answer:
    """Status, headers and the exact bytes of one HTTP answer."""

    def __init__(self, method, path, status, headers, body):
        self.method, self.path, self.status = method, path, status
        self.headers, self.body = list(headers), body

    def header_list(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        return ", ".join(self.header_list(name))

    def json(self):
        return contract.strict_json(self.body)

    @property
    def code(self):
        """The error code, or None for a success."""
        return self.json().get("error", {}).get("code")

    @property
    def result(self):
        value = self.json()
        assert "result" in value, f"no result: {self.body[:2000]!r}"
        return value["result"]

    @property
    def stdout(self):
        return self.json()["stdout"]

    @property
    def details(self):
        return self.json()["error"].get("details", {})

    def __repr__(self):
        return f"<{self.method} {self.path} -> {self.status} {self.body[:500]!r}>"


class Client:
    """Normal requests over kept-alive connections; usable from several threads."""

    def __init__(self, server, timeout=60):
        self.server = server
        self.pool = urllib3.PoolManager(retries=False, timeout=timeout, maxsize=8)

    def request(self, method, path, body=None, headers=None):
        response = self.pool.request(method, self.server.url + path, body=body,
                                     headers=headers or {}, redirect=False,
                                     decode_content=False)
        return contract.check(Answer(method, path.partition("?")[0], response.status,
                                     response.headers.items(), response.data))

    def get(self, path, **headers):
        return self.request("GET", path, headers={k.replace("_", "-"): v
                                                  for k, v in headers.items()})

    def post(self, body, headers=None):
        """POST /execute with exactly these bytes."""
        return self.request("POST", "/execute", body=body,
                            headers={"Content-Type": JSON} if headers is None else headers)

    def execute(self, script):
        """POST /execute with a script."""
        return self.post(json.dumps({"script": script}).encode())

    def result(self, script):
        """The result of a script that must succeed."""
        answer = self.execute(script)
        assert answer.status == 200, repr(answer)
        return answer.result

    def health(self):
        return self.get("/health").json()

    def close(self):
        self.pool.clear()


# -- raw sockets -----------------------------------------------------------------------------


def request_bytes(script, *, path="/execute", close=True, extra=()):
    """A well-formed POST as bytes, to be bent by a test."""
    body = json.dumps({"script": script}).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {JSON}",
             f"Content-Length: {len(body)}", *extra]
    if close:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Talk:
    """What came back on one raw connection: answers, whether it ended, and what was left."""

    def __init__(self):
        self.answers = []
        self.closed = False      # the server closed (or reset) the connection
        self.rest = b""          # bytes that are no complete answer

    @property
    def statuses(self):
        return [answer.status for answer in self.answers]

    def __repr__(self):
        return f"<Talk {self.answers} closed={self.closed} rest={self.rest[:300]!r}>"


def read_answer(data, method="POST", path="/execute"):
    """(Answer or None, bytes after it): one answer from the front of a byte stream."""
    while data.startswith(b"HTTP/1.1 100 "):       # interim, not an answer
        head, end, data = data.partition(b"\r\n\r\n")
        if not end:
            return None, head
    head, end, tail = data.partition(b"\r\n\r\n")
    if not end or not head.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")):
        return None, data
    lines = head.decode("latin-1").split("\r\n")
    headers = [(name.strip(), value.strip())
               for name, _, value in (line.partition(":") for line in lines[1:])]
    answer = Answer(method, path, int(lines[0].split()[1]), headers, b"")
    lengths = answer.header_list("Content-Length")
    assert len(lengths) == 1, f"an answer needs one Content-Length: {head!r}"
    length = 0 if method == "HEAD" else int(lengths[0])
    if len(tail) < length:
        return None, data
    answer.body = tail[:length]
    return answer, tail[length:]


def _without_doubled_head(data):
    """libmicrohttpd 0.9.75 sends the header block of a refusal of its own twice; keep one.

    Only an identical block is taken away, and only from what the library itself refused.
    """
    head, end, tail = data.partition(b"\r\n\r\n")
    if end and b"X-Request-Id" not in head and tail.startswith(head + end):
        return tail
    return data


def converse(server, data, *, method="POST", path="/execute", timeout=10, answers=None,
             shut=False, early=False):
    """Sends bytes, reads until the server closes (or until so many answers), checks them."""
    talk, received = Talk(), b""
    deadline = time.monotonic() + timeout
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout) as sock:
        try:
            sock.sendall(data)
            if shut:
                sock.shutdown(socket.SHUT_WR)
        except OSError:
            talk.closed = True                     # it may answer and close before the end
        while answers is None or len(talk.answers) < answers:
            sock.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                chunk = sock.recv(65536)
            except ConnectionError:
                chunk = b""
            except socket.timeout:
                break
            if not chunk:
                talk.closed = True
                break
            received += chunk
            while True:
                received = _without_doubled_head(received) if early else received
                answer, received = read_answer(received, method, path)
                if answer is None:
                    break
                talk.answers.append(contract.check(answer, early))
    talk.rest = received
    return talk
