# SPDX-License-Identifier: MIT
"""Metaclasses, __init_subclass__, __getattr__, decorators with state, exec'd classes."""
import functools


class Registry(type):
    classes = {}

    def __new__(mcs, name, bases, space, **kwargs):
        cls = super().__new__(mcs, name, bases, space, **kwargs)
        mcs.classes[name] = cls
        return cls


class Plugin(metaclass=Registry):
    def __init_subclass__(cls, /, tag="none", **kwargs):
        super().__init_subclass__(**kwargs)
        cls.tag = tag


class Csv(Plugin, tag="text"):
    pass


class Fluent:
    def __init__(self, path=()):
        self.path = path

    def __getattr__(self, name):
        return Fluent(self.path + (name,))

    def __call__(self):
        return "/".join(self.path)

    def __class_getitem__(cls, item):
        return cls((item,))


def counted(function):
    @functools.wraps(function)
    def wrapper(*args):
        wrapper.calls += 1
        return function(*args)

    wrapper.calls = 0
    return wrapper


@counted
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def main():
    Point = type("Point", (tuple,), {"x": property(lambda self: self[0])})
    print(fib(12), fib.calls)
    return {"classes": list(Registry.classes), "tag": Csv.tag, "fluent": Fluent().api.users.me(), "item": Fluent["root"]().upper(),
            "x": Point((7, 8)).x, "mro": [c.__name__ for c in Csv.__mro__], "name": fib.__name__}
