# SPDX-License-Identifier: MIT
"""What runner/tojson.py makes of every kind of value that main() may return."""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import math
import pathlib
import subprocess
import sys
import time
import uuid
from types import ModuleType, SimpleNamespace

import pytest

try:
    import numpy as np
    import pandas as pd
except ImportError:
    np = pd = None

try:
    from hypothesis import given, settings, strategies
except ImportError:
    given = None

needs_pandas = pytest.mark.skipif(pd is None, reason="numpy and pandas are not installed here")

PATH = pathlib.Path(__file__).resolve().parents[2] / "runner" / "tojson.py"


def load():
    module = ModuleType("tojson")
    exec(compile(PATH.read_text(encoding="utf-8"), str(PATH), "exec"), vars(module))
    return module


tojson = load()


def convert(value):
    """Convert, and prove on the way that the text is strict: no NaN, no duplicate key, UTF-8."""
    def pairs(items):
        keys = [key for key, _ in items]
        assert len(keys) == len(set(keys)), "duplicate keys: %r" % keys
        return dict(items)

    def constant(name):
        raise AssertionError("%s is not JSON" % name)

    text = tojson.to_json(value)
    return json.loads(text.encode("utf-8"), object_pairs_hook=pairs, parse_constant=constant)


def refused(value):
    with pytest.raises(tojson.NotJSON) as caught:
        tojson.to_json(value)
    assert caught.value.path in str(caught.value)
    return caught.value


# Plain values

@pytest.mark.parametrize("value", [
    None, True, False, 0, -1, 2**63, 2**100, 0.1, 1e-7, 1e300, -0.0, "", "x", "é", "\U0001f600",
    "\0\x1f\"\\\u2028", [], {}, [[]], {"a": {}}, [1, "a", None, True, 2.5], {"b": 1, "a": [{}]},
])
def test_plain_values_come_back(value):
    assert convert(value) == value
    assert type(convert(value)) is type(value)


def test_text_is_as_json_dumps_writes_it_and_not_ascii_only():
    assert tojson.to_json({"é": [1, 0.1, True]}) == '{"é": [1, 0.1, true]}'


def test_floats_keep_every_digit():
    assert tojson.to_json([0.1, 1e-7, 1 / 3]) == "[0.1, 1e-07, 0.3333333333333333]"


def test_order_of_keys_is_kept():
    assert list(convert({"b": 1, "a": 2, "c": 3})) == ["b", "a", "c"]
    ordered = collections.OrderedDict(b=1, a=2)
    ordered.move_to_end("b")
    assert list(convert(ordered)) == ["a", "b"]


def test_a_huge_int_works_and_leaves_the_digit_limit_as_it_was():
    number = 2**20000
    limit = getattr(sys, "get_int_max_str_digits", lambda: None)
    before = limit()
    text = tojson.to_json([number])
    assert limit() == before
    tail = number % 10**100
    assert len(text) == 6021 + 2 and text.endswith("%d]" % tail)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_null(number):
    assert convert(number) is None
    assert convert([1.5, number]) == [1.5, None]
    assert convert({"a": {"b": number}}) == {"a": {"b": None}}


@pytest.mark.parametrize("depth", [150, 250, 1000, 1900, 2000])
def test_deep_values_work(depth):
    value = []
    for level in range(depth - 1):
        value = [value] if level % 2 else {"x": value}
    text = tojson.to_json(value)
    assert text.count("[") + text.count("{") == depth


def test_deep_values_work_whatever_the_recursion_limit():
    value = []
    for _ in range(1899):
        value = [value]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        assert len(tojson.to_json(value)) == 3800
        assert sys.getrecursionlimit() == 200
    finally:
        sys.setrecursionlimit(limit)


def test_too_deep_is_refused():
    value = []
    for _ in range(2000):
        value = [value]
    error = refused(value)
    assert "2000 levels" in str(error)
    assert len(error.path) < 500


def test_cycles_are_refused_and_shared_values_are_not():
    shared = [1]
    assert convert({"a": shared, "b": [shared, shared]}) == {"a": [1], "b": [[1], [1]]}
    cycle = {"rows": [1]}
    cycle["rows"].append(cycle)
    error = refused(cycle)
    assert error.path == 'main()["rows"][1]'
    assert "refers to itself" in str(error)
    itself = []
    itself.append(itself)
    assert "refers to itself" in str(refused(itself))


# Subclasses and the standard library

class Text(str):
    def __str__(self):
        raise RuntimeError("not to be called")


class Number(int):
    def __repr__(self):
        return "not to be called"


class Real(float):
    __repr__ = Number.__repr__


class Row(dict):
    pass


class Rows(list):
    def __iter__(self):
        raise RuntimeError("not to be called")


@pytest.mark.parametrize("value, expected", [
    (Text("a"), "a"), (Number(3), 3), (Real(1.5), 1.5), (Real("nan"), None), (Row(a=1), {"a": 1}),
    (Rows([1, 2]), [1, 2]), ((1, (2,)), [1, [2]]), (collections.namedtuple("P", "x y")(1, 2), [1, 2]),
    (collections.OrderedDict(a=1), {"a": 1}), (collections.defaultdict(list, a=[1]), {"a": [1]}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
])
def test_subclasses_are_their_base(value, expected):
    assert convert(value) == expected
    assert convert([value]) == [expected]


class Colour(enum.Enum):
    RED = "red"
    BOTH = (1, 2)
    ODD = {1}


class Level(enum.IntEnum):
    LOW = 1


class Flags(enum.Flag):
    A = 1
    B = 2


class Named(str, enum.Enum):
    A = "a"


@dataclasses.dataclass
class Point:
    x: int
    when: object = None
    tags: list = dataclasses.field(default_factory=list)


@pytest.mark.parametrize("value, expected", [
    (datetime.datetime(2024, 1, 2, 3, 4, 5), "2024-01-02T03:04:05"),
    (datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc), "2024-01-02T00:00:00+00:00"),
    (datetime.date(2024, 1, 2), "2024-01-02"),
    (datetime.time(3, 4, 5, 6), "03:04:05.000006"),
    (datetime.timedelta(minutes=1, milliseconds=500), 60.5),
    (decimal.Decimal("1.10"), "1.10"),
    (decimal.Decimal("NaN"), None),
    (decimal.Decimal("-Infinity"), None),
    (fractions.Fraction(1, 3), "1/3"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (pathlib.Path("x.csv"), "x.csv"),
    (Colour.RED, "red"), (Colour.BOTH, [1, 2]), (Level.LOW, 1), (Flags.A | Flags.B, 3), (Named.A, "a"),
    (Point(1, datetime.date(2024, 1, 2), [math.nan]), {"x": 1, "when": "2024-01-02", "tags": [None]}),
    ({"p": [Point(1, Point(2))]}, {"p": [{"x": 1, "when": {"x": 2, "when": None, "tags": []}, "tags": []}]}),
])
def test_standard_library_values(value, expected):
    assert convert(value) == expected
    assert convert({"v": [value]}) == {"v": [expected]}


# Keys

@pytest.mark.parametrize("key, expected", [
    ("a", "a"), (1, "1"), (2**70, str(2**70)), (1.5, "1.5"), (True, "true"), (False, "false"), (None, "null"),
    (math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"),
    (datetime.datetime(2024, 1, 2), "2024-01-02T00:00:00"), (datetime.date(2024, 1, 2), "2024-01-02"),
    (Colour.RED, "red"), (Level.LOW, "1"), (uuid.UUID(int=1), str(uuid.UUID(int=1))),
    (decimal.Decimal("1.10"), "1.10"), (pathlib.PurePosixPath("a"), "a"), (Text("t"), "t"), (Number(4), "4"),
])
def test_keys_become_strings(key, expected):
    assert convert({"x": {key: 1}}) == {"x": {expected: 1}}


@pytest.mark.parametrize("key", [(1, 2), b"a", frozenset([1]), object(), Colour.BOTH, 1j, int])
def test_other_keys_are_refused(key):
    error = refused({"by": {key: 1}})
    assert error.path.startswith('main()["by"][')
    assert "has a key that is a " in str(error)
    assert error.type == tojson.type_name(type(key))


@pytest.mark.parametrize("value", [{1: 0, "1": 0}, {True: 0, "true": 0}, {None: 0, "null": 0}, {1.5: 0, "1.5": 0}])
def test_keys_that_become_the_same_are_refused(value):
    assert "same key" in str(refused([value]))
    assert refused([value]).path.startswith("main()[0][")


# Refusals

@pytest.mark.parametrize("value, kind, hint", [
    ({1}, "set", "sorted(list(x))"), (frozenset(), "frozenset", "sorted(list(x))"),
    (b"a", "bytes", "base64"), (bytearray(), "bytearray", "decode()"), (memoryview(b""), "memoryview", "tolist"),
    (1j, "complex", "x.real"), (object(), "object", "vars(x)"), (SimpleNamespace(a=1), "types.SimpleNamespace", "vars"),
    (iter([]), "list_iterator", "list(x)"), ((x for x in ()), "generator", "list(x)"), (range(3), "range", "list(x)"),
    (collections.deque(), "collections.deque", "list(x)"), ({}.keys(), "dict_keys", "list(x)"),
    (collections.ChainMap(), "collections.ChainMap", "dict(x)"), (len, "builtin_function_or_method", "x()"),
    (int, "type", "class"), (Point, "type", "class"), (ValueError("x"), "ValueError", "str(x)"),
    (Colour.ODD, __name__ + ".Colour", "sorted"), (..., "ellipsis", "vars(x)"),
])
def test_other_values_are_refused_with_path_type_and_hint(value, kind, hint):
    error = refused({"rows": [0, 1, 2, value]})
    assert error.path == 'main()["rows"][3]'
    assert error.type == kind
    assert hint in str(error)
    assert refused(value).path == "main()"


@pytest.mark.parametrize("value, path", [
    ("\ud800", "main()"), (["a", "\udc80b"], "main()[1]"), ({"a": {"b": "x\udfff"}}, 'main()["a"]["b"]'),
    ({"\ud800": 1}, 'main()["\\ud800"]'), ([{"é": 1}, Text("\ud800")], "main()[1]"),
])
def test_lone_surrogates_are_refused(value, path):
    error = refused(value)
    assert error.path == path
    assert "surrogate" in str(error)
    str(error).encode("utf-8")


def test_a_long_key_does_not_make_a_long_path():
    assert len(refused({"k" * 100000: {1}}).path) < 500


class Raises(dict):
    def items(self):
        raise SystemExit("no")


class Forever(dict):
    def items(self):
        return [("a", Forever())]


class Liar:
    @property
    def __class__(self):
        raise RuntimeError("no")

    def __iter__(self):
        raise RuntimeError("no")

    __repr__ = __str__ = __len__ = __iter__


class Meta(type):
    def __eq__(self, other):
        raise RuntimeError("no")

    def __hash__(self):
        raise RuntimeError("no")

    def __getattribute__(cls, name):
        raise RuntimeError("no")


def make_hostile():
    return Meta("Hostile", (), {})()


class MetaExit(type):
    def __hash__(self):
        raise SystemExit("no")

    __eq__ = __getattribute__ = lambda *_: MetaExit.__hash__(None)


class KeyExit(tuple):
    def __repr__(self):
        raise SystemExit("no")


class FalseFields:
    __dataclass_fields__ = 3


class FalseDate(datetime.date):
    def isoformat(self):
        return self


class RaisingDecimal(decimal.Decimal):
    def __str__(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize("make", [
    lambda: Raises(a=1), Forever, Liar, make_hostile, FalseFields, lambda: FalseDate(2024, 1, 2),
    lambda: RaisingDecimal("1"), lambda: MetaExit("Hostile", (), {})(), lambda: {KeyExit(): 1},
])
def test_hostile_values_are_refused(make):
    assert refused([make()]).path.startswith("main()[0]")


def test_a_memory_error_is_not_hidden():
    class Hungry(dict):
        def items(self):
            raise MemoryError
    with pytest.raises(MemoryError):
        tojson.to_json([Hungry()])


# Limit

@pytest.mark.parametrize("value", [
    list(range(100000)), ["x" * 10000], "x" * 10000, {"k%d" % i: None for i in range(5000)}, [2**80000],
    [{1}, "x" * 10000][1:], [math.nan] * 5000, [datetime.date(2024, 1, 2)] * 1000, {1: 2**20000},
], ids=range(9))
def test_limit_is_noticed(value):
    with pytest.raises(tojson.TooLarge) as caught:
        tojson.to_json(value, 5000)
    assert 5000 < caught.value.bytes
    assert caught.value.bytes <= len(tojson.to_json(value).encode())


@pytest.mark.parametrize("value", ["", "abc", 1, [], [1], {}, {"a": []}, [[1, 2], "é"], math.nan, Text("x"), 2**20000], ids=range(11))
def test_limit_is_no_smaller_than_it_says(value):
    size = len(tojson.to_json(value).encode())
    assert tojson.to_json(value, size) == tojson.to_json(value)


@pytest.mark.parametrize("make", [
    lambda: ["x" * 3000, Point("y" * 3000)], lambda: ["x" * 3000, {1: Point(1, ["y" * 3000])}],
])
def test_what_stands_before_a_converted_part_counts(make):
    value = make()
    size = len(tojson.to_json(value))
    with pytest.raises(tojson.TooLarge) as caught:
        tojson.to_json(value, 5000)
    assert 5000 < caught.value.bytes <= size


def test_a_value_shared_a_billion_times_ends_soon():
    value = ["ha"]
    for _ in range(30):
        value = [value] * 10
    for bomb in (value, [math.nan, value]):
        started = time.monotonic()
        with pytest.raises(tojson.TooLarge):
            tojson.to_json(bomb, 1 << 20)
        assert time.monotonic() - started < 5


# numpy and pandas

def numpy_cases():
    return [] if np is None else [
        (np.int8(-3), -3), (np.uint64(2**64 - 1), 2**64 - 1), (np.float64(0.1), 0.1), (np.float16(0.5), 0.5),
        (np.float32(0.5), 0.5), (np.longdouble(1.5), 1.5), (np.float64("nan"), None), (np.longdouble("inf"), None),
        (np.bool_(True), True), (np.str_("a"), "a"),
        (np.datetime64("2024-01-02"), "2024-01-02"), (np.datetime64("2024-01-02T03:04:05.5"), "2024-01-02T03:04:05.500000"),
        (np.datetime64("2024-01-02T03:04:05.000000007", "ns"), "2024-01-02T03:04:05.000000007"),
        (np.datetime64("2024-01-02T03:04:05", "ns"), "2024-01-02T03:04:05"), (np.datetime64("NaT"), None),
        (np.timedelta64(1500, "ms"), 1.5), (np.timedelta64("NaT"), None),
        (np.arange(3), [0, 1, 2]), (np.array(5), 5), (np.array(math.nan), None), (np.zeros((2, 0)), [[], []]),
        (np.array([[1.5, math.nan], [math.inf, 2]]), [[1.5, None], [None, 2.0]]),
        (np.array([1.5, math.nan], dtype=np.longdouble), [1.5, None]), (np.array([True]), [True]),
        (np.array(["a", "é"]), ["a", "é"]), (np.array([{"a": np.int64(1)}, None], dtype=object), [{"a": 1}, None]),
        (np.array(["2024-01-02", "NaT"], dtype="M8[ns]"), ["2024-01-02T00:00:00", None]),
        (np.array([["2024", "2025"]], dtype="M8[Y]"), [["2024", "2025"]]), (np.array("2024-01", dtype="M8[M]"), "2024-01"),
        (np.array([1500, "NaT"], dtype="m8[ms]"), [1.5, None]),
        (np.matrix([[1, 2]]), [[1, 2]]),
        (np.array([(1, 2.5)], dtype=[("a", int), ("b", float)]), [{"a": 1, "b": 2.5}]),
        (np.array([(1, "NaT")], dtype=[("a", int), ("b", "M8[s]")])[0], {"a": 1, "b": None}),
        (np.rec.array([(1, 2)], names="x,y"), [{"x": 1, "y": 2}]),
        (np.ma.masked_array([1, 2], [0, 1]), [1, None]), (np.ma.masked_array([1.5, math.nan], [1, 0]), [None, None]),
        (np.ma.masked, None), (np.ma.masked_array(np.array(["2024", "2025"], dtype="M8[Y]"), [1, 0]), [None, "2025"]),
        ({np.int64(3): 1, np.bool_(True): 2, np.float64(1.5): 3, np.datetime64("2024-01-02"): 4, np.str_("s"): 5},
         {"3": 1, "true": 2, "1.5": 3, "2024-01-02": 4, "s": 5}),
        ({np.float64("nan"): 1, np.float32("-inf"): 2, None: 3}, {"NaN": 1, "-Infinity": 2, "null": 3}),
    ]


@pytest.mark.parametrize("value, expected", numpy_cases())
def test_numpy(value, expected):
    assert convert(value) == expected
    assert convert({"v": [value]}) == {"v": [expected]}


@needs_pandas
@pytest.mark.parametrize("make, path, kind", [
    (lambda: np.complex128(1), 'main()["rows"][1]', "numpy.complex128"),
    (lambda: np.bytes_(b"a"), 'main()["rows"][1]', "numpy.bytes_"),
    (lambda: np.array([1j]), 'main()["rows"][1][0]', "complex"),
    (lambda: np.array([[b"a"]]), 'main()["rows"][1][0][0]', "bytes"),
    (lambda: np.array([0, {1}], dtype=object), 'main()["rows"][1][1]', "set"),
    (lambda: np.void(b"ab"), 'main()["rows"][1]', "numpy.void"),
    (lambda: np.timedelta64(1, "Y"), 'main()["rows"][1]', "numpy.timedelta64"),
])
def test_numpy_refusals(make, path, kind):
    error = refused({"rows": [0, make()]})
    assert (error.path, error.type) == (path, kind)


@needs_pandas
def test_an_array_that_holds_itself_is_refused():
    array = np.empty(1, dtype=object)
    array[0] = array
    assert "refers to itself" in str(refused(array))


@needs_pandas
def test_an_array_over_the_limit_is_never_made():
    with pytest.raises(tojson.TooLarge):
        tojson.to_json(np.broadcast_to(np.int8(0), (10**12,)), 1000)
    with pytest.raises(tojson.TooLarge):
        tojson.to_json(pd.RangeIndex(10**12), 1000)


def pandas_cases():
    if pd is None:
        return []
    dates = pd.to_datetime(["2024-01-02", None])
    return [
        (pd.Timestamp("2024-01-02 03:04"), "2024-01-02T03:04:00"), (pd.Timestamp("2024-01-02", tz="UTC"), "2024-01-02T00:00:00+00:00"),
        (pd.NaT, None), (pd.NA, None), (pd.Timedelta("1min"), 60.0), (pd.Period("2024-01"), "2024-01"),
        (pd.Interval(0, 1), "(0, 1]"), (pd.Categorical(["a", None]), ["a", None]),
        (pd.Index([1, 2]), [1, 2]), (pd.MultiIndex.from_tuples([(1, "a")]), [[1, "a"]]), (dates, ["2024-01-02T00:00:00", None]),
        (pd.Series([1, 2]), {"0": 1, "1": 2}), (pd.Series([1.5, math.nan], index=["a", "b"]), {"a": 1.5, "b": None}),
        (pd.Series([1, 2], index=["a", "a"]), [1, 2]), (pd.Series([1], index=pd.to_datetime(["2024-01-02"])), {"2024-01-02T00:00:00": 1}),
        (pd.Series([1, 2], index=[math.nan, 1.0]), {"NaN": 1, "1.0": 2}), (pd.Series(dates), {"0": "2024-01-02T00:00:00", "1": None}),
        (pd.Series([1, None], dtype="Int64"), {"0": 1, "1": None}), (pd.Series(["a", "b"], dtype="category"), {"0": "a", "1": "b"}),
        (pd.Series([1, 1, None], dtype="Int64").unique(), [1, None]), (pd.Series([], dtype=float), {}),
        (pd.Series(pd.to_timedelta(["1s", None])), {"0": 1.0, "1": None}),
        (pd.Series([1, 2, 2]).value_counts(), {"2": 2, "1": 1}), (pd.Series(dates).dt.tz_localize("UTC"), {"0": "2024-01-02T00:00:00+00:00", "1": None}),
        (pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [0.5, math.nan], "d": dates}),
         [{"a": 1, "b": "x", "c": 0.5, "d": "2024-01-02T00:00:00"}, {"a": 2, "b": None, "c": None, "d": None}]),
        (pd.DataFrame({1: [True], 2: [{"k": (1, np.int8(2))}]}), [{"1": True, "2": {"k": [1, 2]}}]),
        (pd.DataFrame(), []), (pd.DataFrame(index=[1, 2]), [{}, {}]), (pd.DataFrame({"a": []}), []),
        (pd.DataFrame({"g": ["a", "b", "a"], "x": [1, 2, 3]}).groupby("g").x.sum(), {"a": 4, "b": 2}),
    ]


@pytest.mark.parametrize("value, expected", pandas_cases())
def test_pandas(value, expected):
    assert convert(value) == expected
    assert convert({"v": [value]}) == {"v": [expected]}


@needs_pandas
def test_pandas_refusals():
    error = refused({"df": pd.DataFrame([[1, 2]], columns=["a", "a"])})
    assert error.path == 'main()["df"]' and 'two columns named "a"' in str(error)
    assert "two columns" in str(refused(pd.DataFrame([[1, 2]], columns=[1, "1"])))
    error = refused(pd.DataFrame({"x": [1, {2}]}))
    assert (error.path, error.type) == ('main()[1]["x"]', "set")
    series = pd.DataFrame({"a": [1], "b": [2], "x": [3]}).groupby(["a", "b"]).x.sum()
    assert "reset_index" in str(refused(series))
    assert "reset_index" in str(refused(pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([(1, 2)]))))
    assert refused([pd]).type == "module"


@needs_pandas
def test_a_misbehaving_array_is_refused():
    class Broken(np.ndarray):
        def __array_finalize__(self, other):
            pass

        def tolist(self):
            raise ValueError("no")

    class BrokenSeries(pd.Series):
        def tolist(self):
            raise ValueError("no")

        index = property(tolist)

    assert convert(np.zeros(2).view(Broken)) == [0.0, 0.0]
    assert "could not be converted" in str(refused([BrokenSeries(["a"])]))


def test_nothing_heavy_is_imported():
    code = ("import sys; before = set(sys.modules); "
            "exec(compile(open(%r, encoding='utf-8').read(), 'tojson', 'exec'), ns := {'__name__': 'tojson'}); "
            "ns['to_json']([1.5, float('nan'), {1: 'a'}]); "
            "print(sorted(set(sys.modules) - before - {'_json', 'itertools'}))" % str(PATH))
    assert subprocess.check_output([sys.executable, "-I", "-c", code]) == b"[]\n"


# Any plain value

if given is not None:
    leaves = (strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats()
              | strategies.text(strategies.characters(blacklist_categories=["Cs"])))
    keys = strategies.text(strategies.characters(blacklist_categories=["Cs"]), max_size=5)
    values = strategies.recursive(leaves, lambda inner: strategies.lists(inner) | strategies.dictionaries(keys, inner))

    def without_nan(value):
        if isinstance(value, list):
            return [without_nan(item) for item in value]
        if isinstance(value, dict):
            return {key: without_nan(item) for key, item in value.items()}
        return None if isinstance(value, float) and not math.isfinite(value) else value

    @settings(deadline=None, database=None)
    @given(values)
    def test_any_plain_value_comes_back(value):
        assert convert(value) == without_nan(value)

    @settings(deadline=None, database=None)
    @given(values)
    def test_both_walks_write_the_same(value):
        fast = tojson._plain_text(value, sys.maxsize)
        assert fast is None or fast == tojson._Walk(sys.maxsize).text(value)

    @settings(deadline=None, database=None)
    @given(strategies.recursive(strategies.text() | strategies.binary() | strategies.complex_numbers() | leaves,
                                lambda inner: strategies.lists(inner) | strategies.dictionaries(
                                    strategies.text() | leaves | strategies.tuples(leaves), inner)))
    def test_anything_else_is_converted_or_refused(value):
        try:
            convert(value)
        except tojson.NotJSON as error:
            str(error).encode("utf-8")
