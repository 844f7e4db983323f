# SPDX-License-Identifier: MIT
"""Turn the value that main() returned into strict JSON text.

    None, bool, int, float, str, list, tuple, dict   as json.dumps does, subclasses too
    NaN and infinities, pandas.NA and NaT            null
    Enum members                                     their value, converted in turn
    dataclass instances                              object of their fields
    date, time, datetime, numpy.datetime64           ISO 8601 string
    timedelta, numpy.timedelta64                     seconds, as a number
    Decimal, Fraction, UUID, Path                    str(), which keeps every digit
    numpy scalars, arrays, masked values             .tolist(); structured: object by field; masked: null
    pandas Series                                    object {index: value}; a list if the index repeats
    pandas DataFrame                                 list of rows, each an object; the index is left out
    pandas Index, Categorical, other arrays          list
    pandas Period, Interval                          str()

A dict key may be anything above that becomes a string, a number, a boolean or null; it is then
written as json.dumps writes keys (1 is "1", None is "null", a NaN is "NaN").  Everything else is
refused by NotJSON with the path of the value: sets, bytes, complex numbers, other objects, two
keys that become the same string, lone surrogates, cycles, and more than 2000 levels.

Most results are plain already, so they are checked by a walk whose loops run in C, and encoded by
the json module's C encoder.  The rest is written by a second walk that keeps its own stack: its
depth does not depend on the interpreter's recursion limit.  Nothing here imports numpy, pandas or
any other module of which a value may come: who has such a value has imported the module.
"""

import sys
from itertools import chain

__all__ = ["NotJSON", "TooLarge", "to_json", "type_name"]

_MAX_DEPTH = 2000
_MAX_PLAIN_DEPTH = 200      # deeper values leave the C encoder's recursion alone
_MAX_CONVERSIONS = 8        # an Enum of a dataclass of ...: conversions of one value in a row
_MAX_PATH = 400

_CONTAINERS = frozenset((dict, list, tuple))
_PLAIN = _CONTAINERS | {str, int, float, bool, type(None)}


class NotJSON(TypeError):
    """A value cannot be written as JSON; *path* says where it is, *type* what it is."""

    def __init__(self, path, type, message):
        super().__init__(message)
        self.path = path
        self.type = type


class TooLarge(ValueError):
    """The JSON text needs at least *bytes* bytes, which is over the limit."""

    def __init__(self, bytes):
        super().__init__("at least %d bytes" % bytes)
        self.bytes = bytes


def to_json(value, limit=None):
    """Return *value* as JSON text, or raise NotJSON.

    With a *limit*, raise TooLarge as soon as it is certain that the text has more bytes than
    that; text that is returned may still be over the limit once it is encoded as UTF-8.
    """
    limit = sys.maxsize if limit is None else limit
    text = _plain_text(value, limit)
    return _Walk(limit).text(value) if text is None else text


def type_name(cls):
    """Return the name of *cls* as Python prints it: builtins bare, others with their module."""
    try:
        module, name = cls.__module__, cls.__qualname__
        if type(module) is str and type(name) is str:
            return name if module == "builtins" else module + "." + name
    except BaseException:       # a hostile metaclass
        pass
    return "object"


# The C encoder

def _refuse(value):
    raise TypeError(type(value))


def _load_encoder():
    """Return (encode, quote): a function for plain values, and one for strings.

    Both are what json.dumps uses.  json itself costs a third of the interpreter's start, since
    it imports re; hence it is only the fallback, should the C module be missing or different.
    """
    try:
        from _json import encode_basestring, make_encoder
        chunks = make_encoder(None, _refuse, encode_basestring, None, ": ", ", ", False, False, False)
    except (ImportError, TypeError):
        from json.encoder import JSONEncoder, encode_basestring
        return JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False,
                           default=_refuse).encode, encode_basestring
    return (lambda value: "".join(chunks(value, 0))), encode_basestring


_encode, _quote = _load_encoder()


# First walk: is it plain?

def _plain_text(value, limit):
    """Return the JSON text of a plain value, or None if it takes the second walk to tell."""
    try:
        if not _is_plain(value, limit):
            return None
        text = _encode(value)
        _check_size(len(text), limit)
        if not text.isascii():
            text.encode()       # a lone surrogate?
        return text
    except (TooLarge, MemoryError):
        raise
    except BaseException:       # NaN, an int of too many digits, a hostile metaclass, ...
        return None


def _is_plain(value, limit):
    """Say if *value* has exact JSON types only, str keys only, and few levels.

    Goes level by level, so that the loops over the items run in C.  *size* is a lower bound for
    the text: an item takes a byte and a separator, a string its length besides.
    """
    level, size = [[value]], -2
    for _ in range(_MAX_PLAIN_DEPTH):
        size += 2 * sum(map(len, level))
        _check_size(size, limit)
        dicts = [item for item in level if type(item) is dict]
        lists = [item for item in level if type(item) is not dict]
        if not {str}.issuperset(map(type, chain.from_iterable(dicts))):
            return False
        items = list(chain.from_iterable(map(dict.values, dicts)))
        items.extend(chain.from_iterable(lists))
        kinds = set(map(type, items))
        if not kinds <= _PLAIN:
            return False
        if str in kinds:
            size += sum([len(item) for item in items if type(item) is str])
            _check_size(size, limit)
        if not kinds & _CONTAINERS:
            return True
        level = [item for item in items if type(item) in _CONTAINERS]
    return False


def _check_size(size, limit):
    if size > limit:
        raise TooLarge(size)


# Second walk: convert and write

class _Frame:
    """One array or object that is being written."""

    __slots__ = ("source", "pairs", "keys", "step", "started")

    def __init__(self, source, plain):
        self.source = source    # the value itself, kept alive so that its id stays its own
        self.keys = set() if type(plain) is dict else None
        self.pairs = enumerate(plain) if self.keys is None else iter(list(plain.items()))
        self.step = None        # where in it the walk is: an index or a key
        self.started = False


class _Walk:
    """Writes one value, with the path from the root always at hand for an error."""

    def __init__(self, limit):
        self._limit = limit
        self._size = 0
        self._parts = []
        self._frames = []
        self._open = set()      # ids of the sources of all frames, to find cycles
        self._converters = {}   # type -> function, as found so far

    def text(self, value):
        """Return the whole text."""
        digits = sys.get_int_max_str_digits() if hasattr(sys, "get_int_max_str_digits") else 0
        try:
            if digits:
                sys.set_int_max_str_digits(0)
            self._value(value)
            while self._frames:
                self._step(self._frames[-1])
        finally:
            if digits:
                sys.set_int_max_str_digits(digits)
        return "".join(self._parts)

    def room(self, count):
        """Raise TooLarge if *count* more items cannot fit: before making them."""
        _check_size(self._size + 2 * count, self._limit)

    def fail(self, value, problem, hint=""):
        """Raise NotJSON for *value*, the one that the walk has come to."""
        path = self._path()
        message = path + " " + problem + (": " + hint if hint else "")
        raise NotJSON(path, type_name(type(value)), message) from None

    def key(self, key):
        """Return the string that stands for *key* in an object."""
        plain = self._plain(key, "has a key that is")
        kind = type(plain)
        if kind is str:
            return plain
        if kind is float and plain - plain != 0:
            return "NaN" if plain != plain else "Infinity" if plain > 0 else "-Infinity"
        if kind in _CONTAINERS:
            self.fail(key, "has a key that is a %s, but a JSON key is a string"
                      % type_name(type(key)), _KEY_HINT)
        return self._scalar(plain)

    def _step(self, frame):
        """Write the next item of *frame*, or its end."""
        pair = next(frame.pairs, None)
        if pair is None:
            self._frames.pop()
            self._open.discard(id(frame.source))
            self._write("]" if frame.keys is None else "}")
            return
        frame.step, value = pair
        if frame.started:
            self._write(", ")
        frame.started = True
        if frame.keys is not None:
            key = self.key(frame.step)
            if key in frame.keys:
                self.fail(value, "has the same key as another item once keys are strings",
                          "make the keys distinct")
            frame.keys.add(key)
            self._write(self._string(key) + ": ")
        self._value(value)

    def _value(self, value):
        plain = self._plain(value)
        if type(plain) not in _CONTAINERS:
            self._write(self._scalar(plain))
            return
        if id(value) in self._open:
            self.fail(value, "refers to itself, and JSON has no way to say that")
        if len(self._frames) >= _MAX_DEPTH:
            self.fail(value, "is nested more than %d levels deep" % _MAX_DEPTH)
        if plain is not value:  # an array or a frame: mostly plain inside
            text = self._text_of_part(plain)
            if text is not None:
                self._write(text)
                return
        self._write("{" if type(plain) is dict else "[")
        self._frames.append(_Frame(value, plain))
        self._open.add(id(value))

    def _text_of_part(self, plain):
        try:
            return _plain_text(plain, self._limit - self._size)
        except TooLarge as error:       # counted from here on
            raise TooLarge(self._size + error.bytes) from None

    def _write(self, text):
        self._size += len(text)
        if self._size > self._limit:
            raise TooLarge(self._size)
        self._parts.append(text)

    def _scalar(self, value):
        kind = type(value)
        if kind is str:
            return self._string(value)
        if kind is int:
            if value.bit_length() > 4 * self._limit:    # a digit is worth 3.3 bits
                raise TooLarge(max(value.bit_length() // 4, self._limit + 1))
            return int.__repr__(value)
        if kind is float:
            return float.__repr__(value) if value - value == 0 else "null"
        return "null" if value is None else "true" if value else "false"

    def _string(self, value):
        self.room(len(value) // 2)
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                self.fail(value, "holds half of a surrogate pair (U+%04X), which is no character"
                          % ord(value[error.start]), "x.encode('utf-8', 'replace').decode()")
        return _quote(value)

    def _plain(self, value, verb="is"):
        """Return *value* as one of the plain types; the items in it stay as they are."""
        plain = value
        try:
            for _ in range(_MAX_CONVERSIONS):
                if type(plain) in _PLAIN:
                    return plain
                convert = self._converter(type(plain))
                if convert is None:
                    break
                plain = convert(plain, self)
        except (NotJSON, TooLarge, MemoryError):
            raise
        except BaseException as error:      # the value's own methods ran
            self.fail(value, "%s a %s that could not be converted (%s)"
                      % (verb, type_name(type(value)), type_name(type(error))))
        self.fail(value, "%s a %s, which JSON cannot hold" % (verb, type_name(type(value))),
                  _hint(type(plain)))

    def _converter(self, cls):
        """Return the function that brings a *cls* nearer to JSON, or None."""
        try:
            return self._converters[cls]
        except KeyError:
            found = self._converters[cls] = _find_converter(cls)
            return found

    def _path(self):
        steps = ["main()"]
        for frame in self._frames:
            steps.append("[%s]" % _show(frame.step))
        path = "".join(steps)
        if len(path) > _MAX_PATH:
            path = path[:_MAX_PATH // 2] + "..." + path[-_MAX_PATH // 2:]
        return path


def _show(step):
    """Return an index or a key as it is written in a path."""
    try:
        text = _quote(step) if type(step) is str else repr(step)
        text = text.encode("utf-8", "backslashreplace").decode()
    except BaseException:       # a key's own repr()
        return "?"
    return text if len(text) <= 100 else text[:100] + "..."


# Conversions: each takes (value, walk) and returns something nearer to a plain value

def _from_dataclass(value, walk):
    fields = sys.modules["dataclasses"].fields(value)
    return {field.name: getattr(value, field.name) for field in fields}


def _from_decimal(value, walk):
    return str(value) if value.is_finite() else None


def _from_array(value, walk):
    """Convert a numpy array of any shape, or a numpy scalar, which is an array of shape ()."""
    numpy = sys.modules["numpy"]
    masked = isinstance(value, getattr(sys.modules.get("numpy.ma"), "MaskedArray", ()))
    array = value if masked else numpy.asarray(value)
    walk.room(array.size)
    kind = array.dtype.kind
    if array.dtype.names is not None:
        return {name: array[name] for name in array.dtype.names} if array.ndim == 0 else list(array)
    if masked and kind in "mM":
        array = array.filled(numpy.array("NaT", array.dtype))
    if kind == "M":
        return _from_dates(array, numpy)
    if kind == "m":
        array = numpy.asarray(array / numpy.timedelta64(1, "s"))
        masked = False
    if array.dtype.kind == "f":
        return _from_floats(array, masked, numpy)
    return array.tolist()


def _from_floats(array, masked, numpy):
    if array.dtype.itemsize > 8:    # long double: tolist() would keep it
        array = array.astype("f8")
    if array.ndim and not masked:   # put null for NaN here, at once: the walk is slower; a key it calls "NaN"
        finite = numpy.isfinite(array)
        if not finite.all():
            array = array.astype(object)
            array[~finite] = None
    return array.tolist()


def _from_dates(array, numpy):
    texts = numpy.datetime_as_string(array).reshape(-1).tolist()
    dates = numpy.empty(len(texts), dtype=object)
    dates[:] = [_iso_date(text) for text in texts]
    return dates.reshape(array.shape).tolist()


def _iso_date(text):
    """Cut the fraction as Python's isoformat() does: nothing, six digits, or all there are."""
    if text == "NaT":
        return None
    seconds, _, fraction = text.partition(".")
    if not fraction.strip("0"):
        return seconds
    if not fraction[6:].strip("0"):
        fraction = fraction[:6].ljust(6, "0")
    return seconds + "." + fraction


def _column(series, walk):
    """Return the values of a Series as a list, whole and fast where numpy can do it."""
    if isinstance(series.dtype, sys.modules["numpy"].dtype) and series.dtype.kind in "fmM":
        return _from_array(series.to_numpy(), walk)
    return series.tolist()


def _from_series(value, walk):
    walk.room(len(value))
    values = _column(value, walk)
    if not value.index.is_unique:
        return values
    pairs = dict(zip(value.index.tolist(), values))
    return pairs if len(pairs) == len(values) else values


def _from_frame(value, walk):
    walk.room(value.shape[0] * value.shape[1])
    names = []
    for column in value.columns:
        name = walk.key(column)
        if name in names:
            walk.fail(value, "is a DataFrame with two columns named %s" % _show(name),
                      "rename one of them")
        names.append(name)
    if not names:
        return [{} for _ in range(len(value))]
    columns = [_column(value.iloc[:, number], walk) for number in range(len(names))]
    return [dict(zip(names, row)) for row in zip(*columns)]


def _from_index(value, walk):
    walk.room(len(value))
    return list(value)


# (module, name of a class or of the only object of a class, conversion); the first that fits is taken
_CONVERSIONS = (
    ("enum", "Enum", lambda value, walk: value._value_),
    ("numpy", "ndarray", _from_array),
    ("numpy", "generic", _from_array),
    ("pandas", "NaT", lambda value, walk: None),
    ("pandas", "NA", lambda value, walk: None),
    ("pandas", "DataFrame", _from_frame),
    ("pandas", "Series", _from_series),
    ("pandas", "Index", _from_index),
    ("pandas.api.extensions", "ExtensionArray", _from_index),
    ("pandas", "Period", lambda value, walk: str(value)),
    ("pandas", "Interval", lambda value, walk: str(value)),
    ("datetime", "date", lambda value, walk: value.isoformat()),
    ("datetime", "time", lambda value, walk: value.isoformat()),
    ("datetime", "timedelta", lambda value, walk: value.total_seconds()),
    ("decimal", "Decimal", _from_decimal),
    ("fractions", "Fraction", lambda value, walk: str(value)),
    ("uuid", "UUID", lambda value, walk: str(value)),
    ("pathlib", "PurePath", lambda value, walk: str(value)),
)

# Subclasses of plain types, read by the base's own methods; only a dict may order its items itself
_SUBCLASSES = (
    (str, lambda value, walk: str.__str__(value)),
    (int, lambda value, walk: int.__pos__(value)),
    (float, lambda value, walk: float.__pos__(value)),
    (tuple, lambda value, walk: list(tuple.__iter__(value))),
    (list, lambda value, walk: list(list.__iter__(value))),
    (dict, lambda value, walk: dict(value.items())),
)


def _find_converter(cls):
    for module, name, convert in _CONVERSIONS:
        known = getattr(sys.modules.get(module), name, None)
        if known is not None:
            known = known if isinstance(known, type) else type(known)
            if issubclass(cls, known):
                return convert
    if hasattr(cls, "__dataclass_fields__"):
        return _from_dataclass
    for base, convert in _SUBCLASSES:
        if issubclass(cls, base):
            return convert
    return None


# Hints: what to return instead

_KEY_HINT = "make the key a string; for a pandas MultiIndex, reset_index() first"

_HINTS = (
    ((set, frozenset), "return sorted(list(x)), or list(x) if it cannot be sorted"),
    ((bytes, bytearray), "decode() it if it is text, or return base64.b64encode(x).decode()"),
    ((memoryview,), "return x.tolist(), or base64.b64encode(x).decode()"),
    ((complex,), "return [x.real, x.imag] or str(x)"),
    ((type,), "that is a class, return an instance's values"),
    ((BaseException,), "return str(x)"),
)


def _hint(cls):
    try:
        for classes, hint in _HINTS:
            if issubclass(cls, classes):
                return hint
        if hasattr(cls, "__await__"):
            return "await it, and return what it gives"
        if hasattr(cls, "__next__") or hasattr(cls, "__anext__"):
            return "return a list of what it yields, for example list(x)"
        if hasattr(cls, "keys") and hasattr(cls, "__getitem__"):
            return "return dict(x)"
        if hasattr(cls, "__iter__"):
            return "return list(x)"
        if any("__call__" in vars(base) for base in cls.__mro__):
            return "return what it returns, x(), or its name"
    except BaseException:       # a hostile metaclass
        pass
    return "return its attributes as a dict, for example vars(x), or str(x)"
