# SPDX-License-Identifier: MIT
"""io, codecs, encodings, fileinput: text and bytes in every direction."""
import codecs
import io
import os


def main():
    with open("t.txt", "w", encoding="utf-16", newline="\r\n") as f:
        f.write("eins\nzwei ✓\n")
    with open("t.txt", "rb") as f:
        raw = f.read()
    with open("t.txt", encoding="utf-16") as f:
        lines = f.readlines()
    reader = io.TextIOWrapper(io.BytesIO("Straße\n".encode("latin-1")), encoding="latin-1")
    buffered = io.BufferedReader(io.BytesIO(bytes(range(256))), 16)
    peeked = buffered.peek(4)[:4].hex()
    decoder = codecs.getincrementaldecoder("utf-8")()
    pieces = [decoder.decode(bytes([b])) for b in "é€".encode()]
    with open("sparse", "wb") as f:
        f.seek(1 << 20)
        f.write(b"end")
    fd = os.open("t.txt", os.O_RDWR | os.O_APPEND)
    os.write(fd, b"xx")
    size = os.fstat(fd).st_size
    os.close(fd)
    print(lines[1].strip())
    return {"bom": raw[:2].hex(), "lines": lines, "latin": reader.read(), "peeked": peeked, "pieces": pieces,
            "rot13": codecs.encode("Hello", "rot13"), "errors": [b"a\xffb".decode("utf-8", e) for e in ("replace", "ignore", "backslashreplace")],
            "sparse": os.path.getsize("sparse"), "grown": size - len(raw), "idna": "bücher.example".encode("idna").decode(),
            "escaped": "naïve".encode("ascii", "xmlcharrefreplace").decode()}
