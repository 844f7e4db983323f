#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write the seeds of fuzz_wire_spawner and fuzz_wire_web, whose inputs are lists of steps that no editor shows.

    python3 tests/fuzz/make_seeds.py        into tests/fuzz/corpus/wire_spawner and wire_web

What is written under other names there was found by a fuzzer. The other targets take text: their seeds are the files.
"""

import struct
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"

# ---- fuzz_wire_spawner: what a web sends

MAGIC, KIND, JOB_ID, SLOT, TIER, WALL, CPU, MEMORY, FILE, TMP, DESCRIPTORS, PROCESSES = range(12)
READ_END, WRITE_END, BOTH_ENDS, SOCKET, FILE_, NULL, MEMFD, EPOLL, FOLDER, PATH = range(10)
ZERO, ONE_MORE, ONE_LESS, LARGEST = range(4)


def message(kind, slot=0, job=1, change=(), kinds=None, length=None, fails=False):
    """A good message of *kind*, with *change* [(field, how)], other descriptors, another length."""
    how = len(change) | (4 if kinds is not None else 0) | (8 if length is not None else 0)
    data = bytes([kind | (0x80 if fails else 0), job, how, slot])
    for field, value in change:
        data += bytes([field, value]) if value < 4 else bytes([field, 5]) + struct.pack("<Q", value)
    if kinds is not None:
        data += bytes([len(kinds), *kinds])
    return data + (bytes([length]) if length is not None else b"")


def start(slot=0, **more):
    return message(1, slot, **more)


def cancel(slot=0, **more):
    return message(4, slot, **more)


def raw(data, kinds=()):
    return bytes([0, len(data)]) + data + bytes([len(kinds), *kinds])


RIGHT = [READ_END, WRITE_END, WRITE_END, WRITE_END]
WIRE_SPAWNER = {
    "good-life": start(0, job=1) + start(5, job=2) + cancel(0, job=1) + b"\x05\x00" + cancel(0) + start(0, job=3),
    "cannot-start": start(1, fails=True) + start(1),
    "cancel-of-another-job": start(0, job=1) + cancel(0, job=2) + cancel(1, job=1),
    "nothing-there": b"\x07" + start() + b"\x07",
    "reports-unread": b"\x06\x02" + start(),
    "reports-flood": b"\x06\xff",
    "slot-taken": start(2) + start(2, job=2),
    "slot-beyond": start(change=[(SLOT, 6)]),
    "no-magic": start(change=[(MAGIC, ZERO)]),
    "no-kind": start(change=[(KIND, ZERO)]),
    "kind-of-cancel-with-pipes": start(change=[(KIND, ONE_MORE)]),
    "tier-cold": start(change=[(TIER, 2 + 4)]) + start(1, change=[(TIER, ONE_MORE)]),
    "tier-beyond": start(change=[(TIER, LARGEST)]),
    "cancel-with-limits": cancel(change=[(WALL, ONE_MORE)]),
    "cancel-with-pipe": cancel(kinds=[READ_END]),
    "tmp-of-a-page": start(change=[(TMP, 4096)]) + start(1, change=[(TMP, 4095)]),
    **{"limit-%d-over" % field: start(change=[(field, ONE_MORE)]) for field in range(WALL, PROCESSES + 1)},
    **{"limit-%d-zero" % field: start(change=[(field, ZERO)]) for field in range(WALL, PROCESSES + 1)},
    "pipes-none": start(kinds=[]),
    "pipes-three": start(kinds=RIGHT[:3]),
    "pipes-five": start(kinds=RIGHT + [WRITE_END]),
    "descriptors-many": start(kinds=[SOCKET] * 20),
    "pipes-turned": start(kinds=RIGHT[::-1]),
    "pipe-both-ends": start(kinds=[READ_END, WRITE_END, WRITE_END, BOTH_ENDS]),
    **{"result-is-%d" % kind: start(kinds=RIGHT[:3] + [kind]) for kind in (SOCKET, FILE_, NULL, MEMFD, EPOLL, FOLDER, PATH)},
    "short": start(length=71),
    "long": start(length=100),
    "empty": raw(b""),
    "empty-with-descriptors": raw(b"", [READ_END, SOCKET]),
    "garbage": raw(bytes(range(80)), [EPOLL]),
}

# ---- fuzz_wire_web: clients, jobs and a spawner

QUIET = 0x10        # the loop does not turn after this step


def submit(numpy=False):
    return bytes([0, numpy])


def leave(submission):
    return bytes([2, submission])


def let_go(submission):
    return bytes([3, submission, 0])


def wait(seconds):
    return bytes([4, seconds])


def write(task, pipe, data):
    return bytes([5, task, pipe | len(data) << 2]) + data


def frame(task, what, more=0, data=b""):
    """what: 0 EXCEPTION, 1 NO_MAIN, 2 a number, 3 a list, 4 too large, 5 *data*; more 0x20: in two pieces, 0x40: a wrong length."""
    how = next(n for n in range(256) if n % 6 == what and n & 0xe0 == more)
    return bytes([7, task, how]) + (bytes([len(data)]) + data if what == 5 else b"") + (b"\x01" if more & 0x40 else b"")


def begin(task):
    """The mark: the script is started."""
    return bytes([7, task, 0xf0])


def close(task, pipe=None):
    return b"".join(bytes([9 | QUIET, task, which]) for which in ([0, 1, 2, 3] if pipe is None else [pipe])) + b"\x0f"


def report(task, *changes, hostile=False):
    """changes: (field, value); fields 0 wait_status, 1 killed_by, 2 fault_layer, 4 oom, 5 cpu, 7 slot, 8 job, 9 magic."""
    data = b"".join(bytes([field, value]) for field, value in changes)
    return bytes([11 | (0x80 if hostile else 0), task, len(changes)]) + data


OUT, ERR, RESULT = range(3)
ROUND, ABANDON, GONE, ANYTHING = b"\x0f", b"\xfe", b"\xee", b"\x8d"
WIRE_WEB = {
    "result": submit() + write(0, OUT, b"hello") + frame(0, 2) + close(0) + report(0),
    "result-early-then-let-go": submit() + frame(0, 3) + close(0, RESULT) + let_go(0) + report(0, (1, 6)),
    "result-early-then-report-first": submit() + frame(0, 2) + report(0) + close(0),
    "result-in-pieces": submit(True) + frame(0, 2, 0x20) + close(0) + report(0),
    "result-then-more": submit() + frame(0, 2) + write(0, RESULT, b"x") + close(0) + report(0),
    "result-wrong-length": submit() + frame(0, 2, 0x40) + close(0) + report(0),
    "result-then-killed": submit() + frame(0, 2) + report(0, (1, 1)) + close(0),
    "flood-of-result": submit() + frame(0, 4) + write(0, RESULT, b"y" * 60) * 4 + report(0, (1, 6)) + close(0),
    "flood-of-result-for-good": submit() + b"\x0e\x00\x02" + report(0, (1, 6)) + close(0),
    "flood-of-stdout-and-stderr": submit() + b"\x0e\x00\x00\x0e\x00\x01" + frame(0, 2) + close(0) + report(0),
    "flood-of-stdout": submit() + write(0, OUT, b"\xc3\xa9" * 30) + frame(0, 2) + close(0) + report(0),
    "errors": submit() + frame(0, 0) + close(0) + report(0) + submit() + frame(1, 1) + close(1) + report(1),
    "error-of-its-own": submit() + frame(0, 5, 0x80, b'{"code":"NO_MAIN","message":"m"}') + close(0) + report(0),
    "result-of-its-own": submit() + frame(0, 5, 0, b'{"a":[1,"\\u0000"]}') + close(0) + report(0),
    "nothing": submit() + begin(0) + close(0) + report(0),
    "segfault": submit() + begin(0) + write(0, ERR, b"Fatal") + close(0) + report(0, (0, 11)),
    "killers": b"".join(submit() + begin(n) + close(n) + report(n, (1, n + 1)) for n in range(6)),
    "out-of-memory": submit() + close(0) + report(0, (4, 1)) + submit() + begin(1) + close(1) + report(1, (5, 1)),
    "layer-failed": submit() + close(0) + report(0, (2, 3)) + submit() + report(1, (2, 200)) + close(1),
    "never-started": submit() + report(0) + report(1) + frame(2, 2) + close(2) + report(2),
    "never-started-thrice": submit() + report(0) + report(1) + report(2) + close(2),
    "client-leaves": submit() + leave(0) + close(0) + report(0, (1, 6)),
    "client-leaves-queue": submit() * 4 + leave(3) + leave(2) + leave(0),
    "queue-full": submit() * 6 + frame(0, 2) + close(0) + report(0),
    "queue-waits-too-long": submit() * 4 + wait(31),
    "two-jobs": submit() * 2 + write(0, OUT, b"a") + write(1, OUT, b"b") + frame(1, 2) + frame(0, 2) + close(0) + close(1) + report(1) + report(0),
    "service-stops": submit() * 3 + ABANDON + report(0, (1, 6)) + close(0),
    "no-pipes-left": submit() + b"\x1d\x02" + submit() + b"\x0d\x00" + ROUND,
    "report-of-another": submit() * 2 + report(0, (7, 1), hostile=True) + report(0, (8, 9), hostile=True),
    "report-twice": submit() + report(0) + report(0) + close(0),
    "report-bad-slot": submit() + report(0, (7, 200), hostile=True),
    "report-bad-magic": submit() + report(0, (9, 0), hostile=True),
    "report-with-descriptor": submit() + bytes([0x8b, 0, 0x80]),
    "report-short": submit() + bytes([0x8b, 0, 0x40, 30]),
    "garbage": submit() + ANYTHING + b"\x14" + bytes(20),
    "empty-message": submit() + ANYTHING + b"\x00",
    "spawner-gone": submit() * 3 + GONE,
    "channel-small": b"",
}


def main():
    for name, seeds, head in (("wire_spawner", WIRE_SPAWNER, b""), ("wire_web", WIRE_WEB, b"\x00")):
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for seed, data in seeds.items():
            (folder / seed).write_bytes(head + data)
    small = b"\x01" + (submit() + leave(0)) * 3 + let_go(1) * 60
    (CORPUS / "wire_web" / "channel-small").write_bytes(small)


if __name__ == "__main__":
    main()
