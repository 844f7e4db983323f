# SPDX-License-Identifier: MIT
"""Say what this interpreter needs in order to run: one ``word value`` line each.

The service runs this once at start with PYTHON_BIN, outside the jail, and builds the jail's root from the answer:
trees (prefixes, the import path), shared libraries that numpy and pandas really map, and the versions that it shows.
"""

import os
import sys

__all__ = ["main"]

_PACKAGES = ("numpy", "pandas")


def _say(word, value):
    text = str(value)
    if "\n" not in text:
        print(word, text)


def _mapped_files():
    try:
        with open("/proc/self/maps") as maps:
            lines = maps.read().splitlines()
    except OSError:
        return []
    return sorted({line.split(None, 5)[5] for line in lines if line.count("/") and len(line.split(None, 5)) == 6})


def _import_warm():
    for name in _PACKAGES:
        try:
            __import__(name)
        except ImportError as error:
            _say("missing", f"{name} {error}")
        else:
            _say("import", name)


def _installed():
    from importlib import metadata

    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name and distribution.version:
            found.setdefault(name, distribution.version)
    return sorted(found.items())


def main():
    _say("implementation", sys.implementation.name)
    _say("version", ".".join(map(str, sys.version_info[:3])))
    _say("number", sys.version_info[0] * 100 + sys.version_info[1])
    _say("executable", sys.executable)
    for prefix in dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix)):
        _say("prefix", prefix)
    _say("real", os.path.realpath(sys.executable))
    for entry in sys.path:
        if os.path.isdir(entry):
            _say("path", entry)
    _import_warm()
    for name in _mapped_files():
        if name.startswith("/") and ".so" in os.path.basename(name):
            _say("mapped", name)
    for name, version in _installed():
        _say("package", f"{name} {version}")
    _say("end", "")


if __name__ == "__main__":
    main()
