# SPDX-License-Identifier: MIT
"""A template: an interpreter that has imported what scripts import, and is forked once for each job.

    python3 -I -B -u runner.py --template "numpy,pandas"

The spawner starts it with the descriptors of include/template.h.  It imports, runs what a first
script would be the first to run, freezes the garbage collector, moves its heap to where forks are
cheap, and from then on runs no Python: src/template/serve.c forks children into cells that the
spawner made.  In a child, serve() returns; the child gives itself random numbers of its own and
waits for its one job.  No request ever reaches the template itself.
"""

import gc
import os
import sys
from importlib.machinery import ExtensionFileLoader, ModuleSpec

__all__ = ["become"]

_EXTENSION = "_template.abi3.so"
_FOLDER = "/tmp"                # where a job lives
_PROC = 5                       # the machine's /proc, which is not in the tree that a template sees
_REAL_STDERR = 6                # 1 and 2 are a pipe, as in a job, while Python looks at them first

# What scripts of the standard library import most: there before the first of them runs. What is large and rarer
# (asyncio, email, ssl) is left to the script: each megabyte here is one for every template.
_COMMON = """
    abc base64 bisect calendar codecs collections collections.abc contextlib copy csv dataclasses datetime decimal
    enum fractions functools hashlib heapq inspect io itertools json keyword linecache locale logging math numbers
    operator os.path pathlib pickle pprint queue random re secrets signal statistics string struct subprocess symtable
    sys tempfile textwrap threading time traceback types typing unicodedata urllib.parse uuid warnings zlib _strptime
    encodings.latin_1 encodings.ascii
""".split()

# Their after-fork hooks do nothing for a process with one thread that this file does not do for less.
_TRIMMED = ("threading", "random", "logging", "concurrent.futures.thread")

_TRIAL = "print('a', 1)\ndef main(): return {'a': [1, 2.5, None, 'text']}\n"

_WARM_UP = """
import collections, dataclasses, datetime, functools, itertools, json, math, random, re, string
from typing import Any

print("warm", end="")

@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5

class Stack(list):
    @property
    def top(self):
        return self[-1]

def numbers(count):
    for number in range(count):
        yield number * number

def main() -> Any:
    words = collections.Counter(re.findall(r"[a-z]+", "the quick brown fox jumps over the lazy dog"))
    try:
        raise ValueError("warm")
    except ValueError as error:
        text = f"{type(error).__name__}: {error}"
    table = sorted(words.items(), key=lambda item: (-item[1], item[0]))
    data = json.loads(json.dumps({"point": dataclasses.asdict(Point(1)), "list": [1, 2.5, None, True, "x"]}))
    lines = [" ".join(reversed(word.split())) for word in ("a b", "c d")]
    when = datetime.datetime(2024, 1, 31).isoformat()
    return {"table": table, "data": data, "sum": sum(numbers(100)), "text": text, "sqrt": math.sqrt(2),
            "set": sorted({1, 2, 3}), "top": Stack([1]).top, "lines": lines, "when": when,
            "chain": list(itertools.chain([1], (2,))), "reduce": functools.reduce(max, [1, 5, 3]),
            "digits": string.digits, "big": 2 ** 80, "neg": -1, "nested": {"a": [{"b": {"c": []}}]}}
"""

_WARM_UP_OF = {
    "numpy": """
import numpy as np

def main():
    a = np.arange(12.0).reshape(3, 4)
    b = np.array([1, 2, 3]) * 2 + np.linspace(0, 1, 3)
    return {"sum": a.sum(), "mean": a.mean(axis=0), "dot": a @ a.T, "sorted": np.sort(b), "std": float(a.std()),
            "where": np.where(a > 3, a, 0).tolist(), "max": np.max(a), "unique": np.unique([1, 1, 2]),
            "norm": float(np.linalg.norm(a)), "solve": np.linalg.solve(np.eye(2), np.ones(2)),
            "rng": float(np.random.default_rng(1).normal()), "text": str(a)}
""",
    "pandas": """
import pandas as pd

def main():
    frame = pd.DataFrame({"k": list("abab"), "v": [1, 2, 3, 4], "w": [0.5, 1.5, None, 2.5]})
    frame["d"] = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-02-01", "2024-02-02"])
    grouped = frame.groupby("k")["v"].agg(["sum", "mean"])
    merged = frame.merge(pd.DataFrame({"k": ["a", "b"], "z": [1, 2]}), on="k")
    text = repr(frame) + frame.to_csv(index=False)
    return {"grouped": grouped.to_dict(), "records": frame, "merged": merged.sort_values("v").head(2),
            "one": frame.groupby("k")["v"].sum().to_dict(), "described": frame["v"].describe().to_dict(),
            "filtered": frame[frame["v"] > 2], "pivot": frame.pivot_table(index="k", values="v").to_dict(),
            "length": len(text), "missing": int(frame["w"].isna().sum()), "counts": frame["k"].value_counts().to_dict()}
""",
}


def become(names, runner):
    """Become a template that has imported *names*; return in each child, when it has been given its job.

    *runner* holds the names of runner.py.
    """
    os.dup2(_REAL_STDERR, 2)
    os.close(_REAL_STDERR)
    nowhere = os.open("/dev/null", os.O_WRONLY)
    os.dup2(nowhere, 1)         # what an import prints is nobody's output
    os.close(nowhere)
    sys.orig_argv = sys.orig_argv[:sys.orig_argv.index("--template")] if hasattr(sys, "orig_argv") else []
    native = _load_extension(runner)
    own_mounts = native.begin()
    hooks = _Hooks()
    gc.disable()
    _import([*(name for name in _COMMON if _exists(name)), *names])
    scripts = [_WARM_UP, *(_WARM_UP_OF[name] for name in names if name in _WARM_UP_OF)]
    for _ in range(2):
        for script in scripts:
            runner["rehearse"](script)
    newborn = _Newborn(native, hooks.close())
    runner["_flush_c"] = native.flush_c
    runner["prepare"](_FOLDER)
    sys.modules["linecache"].clearcache()
    gc.collect()
    gc.collect()
    gc.freeze()                 # or the first collection in a child would copy nearly every page
    native.settle_heap()
    native.set_prefault(_learn(native, newborn, runner, own_mounts))
    gc.enable()
    _expect_one_thread()
    _expect_no_shared_memory()
    native.settle_heap()
    native.take_snapshot()      # the last thing: what is written from here on is copied by every fork
    native.serve()
    newborn.begin()
    try:
        native.wait_for_job()
    except OSError:             # given up: another one waits in its place
        os._exit(0)


def _load_extension(runner):
    """Load the extension module that lies beside this file, without a trace in sys.modules."""
    path = os.path.join(os.path.dirname(os.path.abspath(runner["__file__"])), _EXTENSION)
    try:
        return _load_from(path)
    except ImportError:         # it lies on a file system from which nothing may be executed
        with open(path, "rb") as file, open(os.memfd_create("module"), "wb", buffering=0) as copy:
            copy.write(file.read())
            return _load_from(f"/proc/self/fd/{copy.fileno()}")


def _load_from(path):
    loader = ExtensionFileLoader("_template", path)
    spec = ModuleSpec("_template", loader, origin=path)
    module = loader.create_module(spec)
    loader.exec_module(module)
    return module


def _exists(name):
    """Say if a module of the standard library is there: builds leave some out (sqlite3, lzma)."""
    try:
        __import__(name)
        return True
    except ImportError:
        return False


def _import(names):
    for name in names:
        __import__(name)


class _Hooks:
    """Collects what modules want to have called around fork, while they are being imported."""

    def __init__(self):
        self._register = os.register_at_fork
        self._wanted = []
        os.register_at_fork = self._collect

    def _collect(self, **callbacks):
        self._wanted.append(callbacks)

    def close(self):
        """Stop collecting: (what a child has to call, what it has to register for forks of the script)."""
        os.register_at_fork = self._register
        callbacks = [wanted.get("after_in_child") for wanted in self._wanted]
        return ([callback for callback in callbacks
                 if callback and getattr(callback, "__module__", None) not in _TRIMMED], self._wanted)


def _forget_draws():
    """Drop what an import may have drawn ahead: every second normal number, and what a UUID is made of."""
    sys.modules["random"].seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    sys.modules["uuid"]._node = sys.modules["uuid"]._last_timestamp = None


def _numpy_generator():
    """Return the state behind numpy.random.rand() and the like, or None."""
    mtrand = sys.modules.get("numpy.random.mtrand")
    if mtrand is None:
        return None
    generator = mtrand._rand._bit_generator
    return generator.capsule if type(generator).__name__ == "MT19937" else None


class _Newborn:
    """Gives a fresh child what the fork left it in common with all others.

    All of it is looked up in the template: each object that a child touches costs it the copy of a page.
    """

    def __init__(self, native, hooks):
        self._call, self._register = hooks
        _forget_draws()
        random = sys.modules["random"]._inst
        self._seed = super(type(random), random).seed
        self._generator = _numpy_generator()
        self._reseed = native.reseed_mt19937
        self._main_thread = sys.modules["threading"].main_thread()

    def begin(self):
        for callback in self._call:
            callback()
        for callbacks in self._register:
            os.register_at_fork(**callbacks)
        self._seed()
        if self._generator is not None:
            self._reseed(self._generator)
        self._main_thread._native_id = os.getpid()      # of the main thread it is the same number


def _learn(native, newborn, runner, own_mounts):
    """Return the pages that a trial job dirties; b"" where the platform does not tell: then it is only slower."""
    try:
        if own_mounts:          # the child gets an empty one over it
            return _run_trial(native, newborn, runner, _FOLDER)
        folder = sys.modules["tempfile"].mkdtemp()
        try:
            return _run_trial(native, newborn, runner, folder)
        finally:
            for name in os.listdir(folder):
                os.unlink(os.path.join(folder, name))
            os.rmdir(folder)
    except OSError:
        return b""


def _run_trial(native, newborn, runner, folder):
    input_fd, feed_fd = os.pipe()
    result_fd = os.open("/dev/null", os.O_WRONLY)
    pages_fd = os.memfd_create("pages")
    os.write(feed_fd, runner["pack_job"](_TRIAL))
    os.close(feed_fd)

    def leave(_status):
        pages = native.written_pages()          # first of all: what follows is no part of a job
        os.write(pages_fd, pages)
        os._exit(0)

    if native.fork_trial(folder):              # the child; the parent waits in there for its end
        try:
            newborn.begin()
            runner["_exit"] = leave
            runner["run_job"](input_fd, result_fd)
        finally:
            os._exit(1)
    os.close(input_fd)
    os.close(result_fd)
    with open(pages_fd, "rb") as file:
        file.seek(0)
        return file.read()


def _expect_one_thread():
    """A process with threads must not be forked: what they hold stays locked in the child for ever."""
    tasks = os.open("self/task", os.O_RDONLY, dir_fd=_PROC)
    threads = len(os.listdir(tasks))
    os.close(tasks)
    if threads != 1:
        raise RuntimeError("the warm imports left %d threads running, and a process with threads cannot be forked "
                           "safely: take the module that starts them out of WARM_IMPORTS" % (threads - 1))


def _expect_no_shared_memory():
    """Writable memory that stays shared over fork would be a way from one job to another."""
    maps = os.open("self/maps", os.O_RDONLY, dir_fd=_PROC)
    with open(maps, encoding="utf-8", errors="replace") as file:
        shared = [line for line in file if line.split()[1].startswith("rw") and line.split()[1].endswith("s")]
    if shared:
        raise RuntimeError("the warm imports left writable shared memory, which all jobs would have in common: take the "
                           "module that makes it out of WARM_IMPORTS (%s)" % shared[0].strip())
