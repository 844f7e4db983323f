# SPDX-License-Identifier: MIT
"""zipfile, tarfile, gzip, bz2, lzma: packing and unpacking a tree."""
import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile


def main():
    os.makedirs("tree/sub")
    for name, text in {"tree/a.txt": "alpha\n" * 100, "tree/sub/b.txt": "beta"}.items():
        with open(name, "w", encoding="utf-8") as f:
            f.write(text)
    with zipfile.ZipFile("t.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.write("tree/a.txt")
        z.writestr("virtual/ü.txt", "named in UTF-8")
    with tarfile.open("t.tar.xz", "w:xz") as t:
        t.add("tree")
    with tarfile.open("t.tar.xz") as t:
        names = sorted(t.getnames())
        b = t.extractfile("tree/sub/b.txt").read().decode()
    with zipfile.ZipFile("t.zip") as z:
        listing = {i.filename: i.file_size for i in z.infolist()}
        bad = z.testzip()
    data = b"the same bytes " * 50
    ratios = [m.decompress(m.compress(data)) == data for m in (gzip, bz2, lzma)]
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as g:
        g.write(data)
    print("packed", len(names))
    return {"names": names, "b": b, "zip": listing, "bad": bad, "same": ratios, "gz": buffer.getvalue()[:2].hex()}
