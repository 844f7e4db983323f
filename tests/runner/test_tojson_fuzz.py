# SPDX-License-Identifier: MIT
"""What runner/tojson.py makes of values that are built at random, friendly ones and hostile ones.

Friendly values are built together with the JSON that they must become, part by part, so that what comes back has a
second opinion that shares nothing with the code under test.  In some places a value stands that JSON cannot hold: then
the refusal must name the first such place.  Hostile values have methods that raise, lie and return nonsense, whatever
they are; to_json() must answer with strict JSON or with a refusal of its own, and with nothing else.

    FUZZ_EXAMPLES=100000 python3 -m pytest tests/runner/test_tojson_fuzz.py     as long as one likes
"""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import math
import os
import pathlib
import sys
import uuid
from types import ModuleType

import pytest

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings, strategies as st  # noqa: E402

try:
    import numpy as np
    import pandas as pd
except ImportError:
    np = pd = None

PATH = pathlib.Path(__file__).resolve().parents[2] / "runner" / "tojson.py"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
# The same examples on each run, and few: what is new is found by hand, with FUZZ_EXAMPLES.
FUZZ = settings(deadline=None, database=None, derandomize=not EXAMPLES, max_examples=EXAMPLES or 60,
                suppress_health_check=list(HealthCheck))


def load():
    module = ModuleType("tojson")
    exec(compile(PATH.read_text(encoding="utf-8"), str(PATH), "exec"), vars(module))
    return module


tojson = load()


def read_strictly(text):
    """Parse JSON text that must be strict: no NaN, no duplicate key, valid as UTF-8."""
    def pairs(items):
        assert len(items) == len({key for key, _ in items}), "duplicate keys"
        return dict(items)

    def constant(name):
        raise AssertionError("%s is not JSON" % name)

    return json.loads(text.encode("utf-8"), object_pairs_hook=pairs, parse_constant=constant)


# Values with what they must become

class Refused:
    """Stands in the place of JSON that there is not."""


REFUSED = Refused()


class Node:
    """A *value*, the *json* that it must become, and its parts as (step as it is shown, Node) where it has any."""

    def __init__(self, value, json, parts=()):
        self.value, self.json, self.parts = value, json, parts

    def first_refusal(self):
        """The path of the first place that must be refused, or None."""
        if self.json is REFUSED:
            return ""
        for step, part in self.parts:
            below = part.first_refusal()
            if below is not None:
                return "[%s]%s" % (step, below)
        return None

    def __repr__(self):
        return "Node(%s)" % type(self.value).__name__


class Boom(BaseException):
    def __str__(self):
        raise ValueError("no")

    __repr__ = __str__


def boom(*args, **more):
    raise Boom


def hostile(base, *names):
    """A subclass of *base* whose methods of these names raise."""
    return type("Hostile" + base.__name__, (base,), {name: boom for name in names})


HostileStr = hostile(str, "__str__", "__repr__", "__len__", "__iter__", "encode", "isascii", "__getitem__", "__eq__", "__hash__", "__add__")
HostileInt = hostile(int, "__str__", "__repr__", "__index__", "__int__", "bit_length", "__eq__", "__hash__", "__sub__", "__bool__")
HostileFloat = hostile(float, "__str__", "__repr__", "__float__", "__sub__", "__eq__", "__hash__", "is_integer", "__bool__")
HostileList = hostile(list, "__iter__", "__len__", "__getitem__", "__eq__", "__repr__", "__bool__", "__contains__", "copy")
HostileTuple = hostile(tuple, "__iter__", "__len__", "__getitem__", "__eq__", "__hash__", "__repr__", "__bool__")
HostileDict = hostile(dict, "__iter__", "__len__", "__getitem__", "__eq__", "__repr__", "__bool__", "keys", "values", "get")
Pair = dataclasses.make_dataclass("Pair", ["left", "right"])

no_surrogates = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)


def finite(number):
    return number if math.isfinite(number) else None


def plain(strategy, become=lambda value: value):
    return strategy.map(lambda value: Node(value, become(value)))


def standard_leaves():
    yield plain(st.none() | st.booleans() | no_surrogates)
    yield plain(st.integers() | st.integers(-2**600, 2**600))
    yield plain(st.floats(), finite)
    yield no_surrogates.map(lambda text: Node(HostileStr(text), text))
    yield st.integers().map(lambda number: Node(HostileInt(number), number))
    yield st.floats().map(lambda number: Node(HostileFloat(number), finite(number)))
    yield plain(st.dates(), lambda day: "%04d-%02d-%02d" % (day.year, day.month, day.day))
    yield plain(st.datetimes(), lambda time: time.isoformat())
    yield plain(st.times(), lambda time: time.isoformat())
    yield plain(st.timedeltas(), lambda gap: gap / datetime.timedelta(seconds=1))
    yield plain(st.decimals(), lambda number: str(number) if number.is_finite() else None)
    yield plain(st.fractions(), lambda f: str(f.numerator) + ("/%d" % f.denominator if f.denominator != 1 else ""))
    yield plain(st.uuids(), str)
    yield plain(st.builds(pathlib.PurePosixPath, st.sampled_from(["a", "/b/c", "é"])), str)


def numpy_leaves():
    for bits in (8, 16, 32, 64):
        for name, least in (("int", -2**(bits - 1)), ("uint", 0)):
            most = least + 2**bits - 1
            yield st.integers(least, most).map(lambda n, make=getattr(np, name + str(bits)): Node(make(n), n))
    for make in (np.float16, np.float32, np.float64):
        yield st.floats(width=np.dtype(make).itemsize * 8).map(lambda n, make=make: Node(make(n), finite(n)))
    yield st.floats(-1e300, 1e300).map(lambda n: Node(np.longdouble(n), n))
    yield st.booleans().map(lambda b: Node(np.bool_(b), b))
    yield no_surrogates.map(lambda text: Node(np.str_(text), str(np.str_(text))))
    yield st.lists(st.floats()).map(lambda row: Node(np.array(row, "f8"), [finite(n) for n in row]))
    yield st.lists(st.integers(-2**31, 2**31 - 1), min_size=4, max_size=4).map(
        lambda row: Node(np.array(row, "i8").reshape(2, 1, 2), [[row[:2]], [row[2:]]]))
    yield st.datetimes().map(lambda time: Node(np.datetime64(time, "us"), time.isoformat()))
    yield st.integers(-2**50, 2**50).map(lambda ms: Node(np.timedelta64(ms, "ms"), ms / 1000))


def pandas_leaves():
    columns = st.lists(st.tuples(st.floats(), st.booleans(), no_surrogates), min_size=1, max_size=3)
    yield columns.map(lambda rows: Node(
        pd.DataFrame({"x": [r[0] for r in rows], "y": [r[1] for r in rows], "z": [r[2] for r in rows]}),
        [{"x": finite(r[0]), "y": r[1], "z": r[2]} for r in rows]))
    yield st.lists(st.floats(), max_size=4).map(lambda row: Node(
        pd.Series(row, dtype="f8"), {str(i): finite(n) for i, n in enumerate(row)}))
    yield st.lists(st.none() | st.integers(-2**63, 2**63 - 1), max_size=4).map(lambda row: Node(
        pd.array(row, dtype="Int64"), row))
    yield st.lists(st.sampled_from("abé"), min_size=1).map(lambda row: Node(pd.Categorical(row), row))
    yield st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1)).map(
        lambda time: Node(pd.Timestamp(time), time.isoformat()))
    yield st.just(Node(pd.NaT, None)) | st.builds(Node, st.just(pd.NA), st.none())


def refused_leaves():
    values = [set(), b"x", bytearray(), 1j, object(), Boom(), ..., len, int, range(3), {}.keys(), "\ud800", HostileStr("a\udfff"),
              collections.deque(), memoryview(b""), (x for x in ())]
    if np is not None:
        values += [np.complex128(1), np.bytes_(b"a"), np.void(b"ab"), np, pd]
    # not sampled_from(values): it wants to know what they are called
    return st.integers(0, len(values) - 1).map(lambda index: Node(values[index], REFUSED))


def enumeration(node):
    member = enum.Enum("E", {"MEMBER": 1}).MEMBER
    member._value_ = node.value                 # Enum itself would compare and hash it
    return Node(member, node.json, node.parts)


def show(key):
    return json.dumps(key, ensure_ascii=False)


def array_of(make):
    return lambda nodes: Node(make(node.value for node in nodes), [node.json for node in nodes],
                              [(str(i), node) for i, node in enumerate(nodes)])


def object_of(make):
    return lambda nodes: Node(make({key: node.value for key, node in nodes.items()}),
                              {key: node.json for key, node in nodes.items()},
                              [(show(key), node) for key, node in nodes.items()])


def pair_of(nodes):
    left, right = nodes
    return Node(Pair(left.value, right.value), {"left": left.json, "right": right.json},
                [('"left"', left), ('"right"', right)])


def containers(inner):
    rows, keyed = st.lists(inner, max_size=4), st.dictionaries(no_surrogates, inner, max_size=4)
    for make in (list, tuple, HostileList, HostileTuple):
        yield rows.map(array_of(make))
    for make in (dict, HostileDict, collections.OrderedDict):
        yield keyed.map(object_of(make))
    yield st.tuples(inner, inner).map(pair_of)
    yield inner.map(enumeration)


LEAVES = [*standard_leaves(), *(numpy_leaves() if np is not None else ()), *(pandas_leaves() if pd is not None else ())]
good = st.recursive(st.one_of(LEAVES), lambda inner: st.one_of(list(containers(inner))), max_leaves=12)
mixed = st.recursive(st.one_of([*LEAVES, refused_leaves(), refused_leaves()]),
                     lambda inner: st.one_of(list(containers(inner))), max_leaves=12)


def same(a, b):
    """As JSON: 1 is not True, and 0.0 is not -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b and repr(a) == repr(b)


@FUZZ
@given(good)
def test_a_value_becomes_what_its_parts_become(node):
    assert same(read_strictly(tojson.to_json(node.value)), node.json)


@FUZZ
@given(mixed)
def test_the_first_place_that_json_cannot_hold_is_named(node):
    path = node.first_refusal()
    if path is None:
        assert same(read_strictly(tojson.to_json(node.value)), node.json)
        return
    with pytest.raises(tojson.NotJSON) as caught:
        tojson.to_json(node.value)
    error = caught.value
    assert error.path == "main()" + path or "..." in error.path
    assert error.path in str(error) and type(error.type) is str
    (str(error) + error.type).encode("utf-8")


@FUZZ
@given(good, st.integers(0, 200))
def test_a_limit_is_kept(node, limit):
    whole = tojson.to_json(node.value)
    try:
        assert tojson.to_json(node.value, limit) == whole
        assert len(whole) <= limit
    except tojson.TooLarge as error:
        assert limit < error.bytes <= len(whole.encode("utf-8"))


@FUZZ
@given(st.lists(st.tuples(st.one_of(LEAVES), st.integers(0, 9)), max_size=5))
def test_keys_become_distinct_strings_or_are_refused(items):
    value, expected, clash = {}, {}, False
    for node, number in items:
        kind = type(node.json)
        if kind in (list, dict) or isinstance(node.value, (HostileStr, HostileInt, HostileFloat)):
            continue                            # not a key, or one that cannot be looked up
        if isinstance(node.value, decimal.Decimal) and node.value.is_snan() or node.value in value:
            continue
        key = node.json if kind is str else json.dumps(node.json)
        if isinstance(node.value, (float, *([np.floating] if np is not None else []))) and node.json is None:
            key = "NaN" if math.isnan(node.value) else "Infinity" if node.value > 0 else "-Infinity"
        clash |= key in expected
        value[node.value] = expected[key] = number
    if clash:
        with pytest.raises(tojson.NotJSON, match="same key"):
            tojson.to_json(value)
    else:
        assert read_strictly(tojson.to_json([value])) == [expected]


@FUZZ
@given(st.integers(1, 2300), st.sampled_from([list, tuple, HostileList]), st.sampled_from([None, math.nan, "x", REFUSED]))
def test_depth(depth, make, leaf):
    value = leaf
    for level in range(depth):
        value = make([value]) if level % 3 else {"k": value}
    try:
        text = tojson.to_json(value)
    except tojson.NotJSON as error:
        assert leaf is REFUSED or depth > 2000
        assert error.path.startswith("main()[")
    else:
        assert leaf is not REFUSED and depth <= 2000
        assert text.count("[") + text.count("{") == depth


@FUZZ
@given(st.lists(st.sampled_from(["list", "dict", "series", "array", "dataclass"]), min_size=1, max_size=5))
def test_cycles_are_refused(kinds):
    first = last = []
    for kind in kinds:
        inner = []
        if kind == "dict":
            last.append({"k": inner})
        elif kind == "dataclass":
            last.append(Pair(1, inner))
        elif kind == "series" and pd is not None:
            last.append(pd.Series([inner]))
        elif kind == "array" and np is not None:
            array = np.empty(1, dtype=object)
            array[0] = inner
            last.append(array)
        else:
            last.append(inner)
        last = inner
    last.append(first)
    with pytest.raises(tojson.NotJSON, match="refers to itself"):
        tojson.to_json(first)


# Hostile values

METHODS = ["__class__", "__dict__", "__iter__", "__eq__", "__ne__", "__hash__", "__len__", "__getitem__", "__getattr__",
           "__getattribute__", "__str__", "__repr__", "__format__", "__bool__", "__int__", "__index__", "__float__",
           "__neg__", "__pos__", "__sub__", "__add__", "__lt__", "__contains__", "__next__", "__await__", "__call__",
           "__array__", "__array_interface__", "__array_struct__", "__array_priority__", "__array_finalize__",
           "__dataclass_fields__", "__mro__", "__name__", "__qualname__", "__module__", "__slots__", "__reduce__",
           "_value_", "value", "items", "keys", "values", "encode", "isascii", "bit_length", "isoformat",
           "total_seconds", "is_finite", "tolist", "dtype", "shape", "size", "ndim", "index", "columns", "iloc",
           "to_numpy", "filled", "astype", "is_unique", "__fspath__"]
ERRORS = [ValueError, TypeError, KeyError, AttributeError, RecursionError, StopIteration, GeneratorExit, SystemExit,
          KeyboardInterrupt, UnicodeEncodeError, Boom]


class Behaviour:
    """What a hostile method does: raise something, or give something that it should not."""

    def __init__(self, error, answer, is_method):
        self.error, self.answer, self.is_method = error, answer, is_method

    def __repr__(self):
        return "Behaviour(%s, %s, %s)" % (self.error and self.error.__name__, type(self.answer).__name__, self.is_method)

    def act(self, *args, **more):
        if self.error is UnicodeEncodeError:
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no")
        if self.error:
            raise self.error
        return args[0] if self.answer is Behaviour else self.answer

    def member(self):
        """A function, which a class binds, or a property."""
        def method(*args, **more):
            return self.act(*args, **more)
        return method if self.is_method else property(method)


answers = st.sampled_from([None, 0, -1, 2**70, 1.5, math.nan, "x", "\ud800", b"x", [], [1], [[]], ((1, 2, 3),), {}, {1: 2},
                           [("a", 1), ("a", 2)], [(1,)], object(), NotImplemented, int, dict, len, Behaviour])
behaviours = st.builds(Behaviour, st.none() | st.sampled_from(ERRORS), answers, st.booleans())
namespaces = st.dictionaries(st.sampled_from(METHODS), behaviours, min_size=1, max_size=4)
BASES = [(object, ()), (str, ("a",)), (str, ("\ud800",)), (int, (7,)), (int, (2**20000,)), (float, (math.nan,)), (list, ([1],)),
         (tuple, ((1, 2),)), (dict, ({"k": 1},)), (dict, ({1: 1},)), (collections.OrderedDict, ({"k": 1},)),
         (datetime.date, (2024, 1, 2)), (datetime.datetime, (2024, 1, 2)), (datetime.timedelta, (1,)),
         (decimal.Decimal, ("1.5",)), (fractions.Fraction, (1, 3)), (uuid.UUID, (None, b"0" * 16)), (pathlib.PurePosixPath, ("a",)),
         (set, ()), (bytes, (b"a",)), (Exception, ("a",))]
if np is not None:
    BASES += [(np.ndarray, ((2,),)), (np.float64, (1.5,)), (np.int64, (1,)), (np.str_, ("a",)), (pd.Series, ([1.5, None],)),
              (pd.DataFrame, ({"a": [1]},)), (pd.Timestamp, ("2024-01-02",))]


def make_hostile(base, members, meta_members):
    """An instance of a class with these members, whose own class is as bad; None if Python does not allow it."""
    cls, args = base
    try:
        meta = type(cls)
        if meta_members:
            meta = type("Meta", (type(cls),), {name: behaviour.member() for name, behaviour in meta_members.items()})
        made = meta("Hostile", (cls,), {})
        value = made(*args)
        for name, behaviour in members.items():
            type.__setattr__(made, name, behaviour.member())
        return value
    except BaseException:
        return None


# Made in the test itself, since hypothesis looks at what it draws.
makers = st.builds(lambda *how: lambda: make_hostile(*how), st.sampled_from(BASES), namespaces, st.just({}) | namespaces)
friendly = st.one_of(LEAVES).map(lambda node: lambda: node.value)


def containers_of_made(inner):
    yield st.lists(inner, max_size=3).map(lambda parts: lambda: [make() for make in parts])
    yield st.lists(inner, max_size=3).map(lambda parts: lambda: tuple(make() for make in parts))
    yield st.dictionaries(no_surrogates, inner, max_size=3).map(
        lambda parts: lambda: {key: make() for key, make in parts.items()})
    yield st.tuples(inner, inner).map(lambda parts: lambda: Pair(parts[0](), parts[1]()))


trees = st.recursive(makers | friendly, lambda inner: st.one_of(list(containers_of_made(inner))), max_leaves=5)


def is_answered(value, limit=None):
    """Strict JSON, or one of the two refusals with words that can be sent."""
    digits = getattr(sys, "get_int_max_str_digits", int)()
    try:
        read = tojson.to_json(value, limit)
    except tojson.NotJSON as error:
        assert type(error.path) is str and error.path.startswith("main()") and len(error.path) < 1000
        assert type(error.type) is str and type(error.args[0]) is str
        (error.path + error.type + str(error)).encode("utf-8")
    except tojson.TooLarge as error:
        assert type(error.bytes) is int and error.bytes > limit
    else:
        if len(read) < 4000:                    # json.loads has a limit of digits, too
            read_strictly(read)
    assert getattr(sys, "get_int_max_str_digits", int)() == digits


@settings(FUZZ, max_examples=EXAMPLES or 250)
@given(trees, st.none() | st.integers(0, 100))
def test_whatever_its_methods_do_a_value_is_converted_or_refused(make, limit):
    is_answered(make(), limit)


class Switch:
    """A key that can be hashed until it lies in a dict."""

    armed = False

    def __init__(self, behaviour):
        self.behaviour = behaviour

    def __hash__(self):
        return self.behaviour.act(self) if Switch.armed else 1

    def __eq__(self, other):
        return self.behaviour.act(self) if Switch.armed else self is other


class SwitchStr(Switch, str):
    def __new__(cls, behaviour):
        return str.__new__(cls, "k")


@FUZZ
@given(st.lists(st.tuples(st.sampled_from([Switch, SwitchStr]), behaviours), min_size=1, max_size=3))
def test_keys_that_turn_hostile(made):
    Switch.armed = False
    value = {cls(behaviour): 1 for cls, behaviour in made}
    Switch.armed = True
    try:
        is_answered([value])
    finally:
        Switch.armed = False
