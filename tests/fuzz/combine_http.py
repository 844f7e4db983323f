#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Try all pairs of header lines that frame a body, all forms of chunks and of request lines, on fuzz_http.

    make fuzzers && python3 tests/fuzz/combine_http.py      24000 requests, half a minute

Each is followed by a second request, as if it had been smuggled in.  Where a fuzzer needs luck to put two halves of an
ambiguity next to each other, this does not; an input that fails is left in build/fuzz/.
"""

import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

FUZZER = Path(__file__).resolve().parents[2] / "build/fuzz/fuzz_http"
BODY = b'{"script": "chunks"}'           # 20 bytes: 0x14
SECOND = b"GET /health HTTP/1.1\r\nHost: a\r\nX-Request-Id: second\r\n\r\n"
HEAD = b"Host: a\r\nContent-Type: application/json\r\n"
LINES = [
    b"", b"Content-Length: 20", b"Content-Length: 0", b"Content-Length: 020", b"Content-Length: 20 ", b"content-length:20",
    b"Content-Length: 20, 20", b"Content-Length: 20x", b"Content-Length: -1", b"Content-Length:", b"Content-Length: 0x14",
    b"Content-Length : 20", b"Content-Length\t: 20", b" Content-Length: 20", b"Content-Length: 99999999999999999999",
    b"Content-Length:\t20\t", b"Content_Length: 20",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: Chunked", b"Transfer-Encoding:chunked", b"Transfer-Encoding: identity",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: x", b"Transfer-Encoding:", b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: chunked\x00",
    b"Transfer-Encoding:\r\n chunked", b'Transfer-Encoding: "chunked"', b"Transfer-Encoding\x00: chunked",
    b"X: y\r\n Transfer-Encoding: chunked", b"Transfer-Encoding: chunked;a", b"TE: chunked",
    b"Connection: close", b"Connection: keep-alive", b"Connection: Content-Length", b"Expect: 100-continue", b"Expect: x",
    b"Upgrade: h2c\r\nConnection: upgrade", b"X-A", b": empty", b"a b: c", b"X\x80: y", b"X-Request-Id: rid",
]
TARGETS = [b"POST /execute", b"GET /health", b"POST /nothing", b"HEAD /health", b"PUT /execute"]
SIZES = [b"14\r\n", b"14;a\r\n", b"14;a=b\r\n", b'14;a="\r\n"\r\n', b"14 \r\n", b" 14\r\n", b"014\r\n", b"14\n", b"14\r", b"14\r\r\n",
         b"14;\n", b"14;a\nb\r\n", b"+14\r\n", b"0x14\r\n", b"-14\r\n", b"14_\r\n", b"14 ;a\r\n", b"00000000000000000014\r\n",
         b"100000014\r\n", b"10000000000000014\r\n", b"14\x00\r\n", b"\r\n", b"g\r\n"]
ENDS = [b"\r\n", b"\n", b"\r", b"", b"xx", b"\r\n\r\n", b"\x00\n"]
LAST = [b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n", b"0\n\n", b"0\r\n\n", b"0\n\r\n", b"00\r\n\r\n",
        b"0;a\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n x\r\n\r\n", b"0\r\nX y\r\n\r\n"]
REQUEST_LINES = [
    b"GET  /health HTTP/1.1", b"GET /health  HTTP/1.1", b"GET\t/health\tHTTP/1.1", b"GET /health HTTP/1.1 ", b" GET /health HTTP/1.1",
    b"GET /health", b"GET", b"get /health HTTP/1.1", b"GET /health http/1.1", b"GET /health HTTP/1.10", b"GET /health HTTP/01.1",
    b"GET /health HTTP/1.2", b"GET /hea\rlth HTTP/1.1", b"GET /hea\x00lth HTTP/1.1", b"GET /health\x00 HTTP/1.1",
    b"GET\x00 /health HTTP/1.1", b"GET /health HTTP/1.1\x00", b"G\xffT /health HTTP/1.1", b"GET /health#x HTTP/1.1",
    b"GET health HTTP/1.1", b"GET http://b/health HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT a:1 HTTP/1.1",
    b"GET /%ff%00 HTTP/1.1", b"GET /?%zz=%&&= HTTP/1.1", b"GET /health?\xff HTTP/1.1",
]


def requests():
    """Yield inputs of fuzz_http: how the pieces are sent (a line), then the bytes."""
    for first, second, target, version in itertools.product(LINES, LINES, TARGETS, (b"1.1", b"1.0")):
        body = b"14\r\n" + BODY + b"\r\n0\r\n\r\n" if b"ransfer" in first + second else BODY
        lines = b"".join(line + b"\r\n" for line in (first, second) if line)
        yield b"\n" + target + b" HTTP/" + version + b"\r\n" + HEAD + lines + b"\r\n" + body
    for size, end, last in itertools.product(SIZES, ENDS, LAST):
        chunks = b"POST /execute HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + size + BODY + end + last
        yield b"\n" + chunks
        if end == b"\r\n":
            yield b"0\n" + chunks           # byte by byte
    for line, end, lead, host in itertools.product(REQUEST_LINES, (b"\r\n", b"\n", b"\r"), (b"", b"\r\n", b"\n", b"\r", b"\r\n\r\n"),
                                                   (b"Host: a", b"Host:", b"Host: a\r\nHost: a", b"")):
        yield b"\n" + lead + line + end + host + (end if host else b"") + end


def main():
    with tempfile.TemporaryDirectory() as folder:
        for number, request in enumerate(requests()):
            Path(folder, "%05d" % number).write_bytes(request + SECOND)
        return subprocess.call([str(FUZZER), "-runs=0", "-max_len=4000", "-artifact_prefix=%s/failed-http-" % FUZZER.parent, folder])


if __name__ == "__main__":
    sys.exit(main())
