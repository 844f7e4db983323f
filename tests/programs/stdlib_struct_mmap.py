# SPDX-License-Identifier: MIT
"""struct, array, mmap, memoryview: binary records in a file, changed in place."""
import array
import mmap
import struct

RECORD = struct.Struct("<4sIdx?")


def main():
    with open("records.bin", "wb") as f:
        for n, name in enumerate([b"ada\0", b"bob\0", b"eve\0"]):
            f.write(RECORD.pack(name, n * 1000, n / 3, n % 2 == 0))
    with open("records.bin", "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
        RECORD.pack_into(m, RECORD.size, b"BOB\0", 7, 0.5, True)
        found = m.find(b"eve")
        m.flush()
        size = len(m)
    with open("records.bin", "rb") as f:
        rows = [list(r) for r in RECORD.iter_unpack(f.read())]
    for row in rows:
        row[0] = row[0].rstrip(b"\0").decode()
        print(*row)
    numbers = array.array("i", range(5))
    view = memoryview(numbers).cast("B").cast("i")
    view[2] = 99
    anonymous = mmap.mmap(-1, 4096)
    anonymous[:5] = b"hello"
    return {"size": size, "found": found, "rows": rows, "array": numbers.tolist(),
            "big": struct.unpack(">H", b"\x01\x02")[0], "anonymous": anonymous[:5].decode(), "calc": struct.calcsize("<hhl")}
