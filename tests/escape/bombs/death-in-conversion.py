# SPDX-License-Identifier: MIT
"""A value that kills the process while it is looked at to be turned into JSON.

layers: none: the kernel's report
code: CRASHED
details: {"signal": "SIGSEGV"}
"""

import ctypes


class Kind(type):
    @property
    def __mro__(cls):
        ctypes.string_at(8)

    def __instancecheck__(cls, other):
        ctypes.string_at(8)


class Hostile(dict, metaclass=Kind):
    def __iter__(self):
        ctypes.string_at(8)

    items = keys = values = __len__ = __bool__ = __class_getitem__ = __iter__

    def __getattribute__(self, name):
        ctypes.string_at(8)


def main():
    return [Hostile(a=1)]
