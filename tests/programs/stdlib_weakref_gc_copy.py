# SPDX-License-Identifier: MIT
"""weakref, gc, copy, types, descriptors: objects and their lives."""
import copy
import gc
import types
import weakref


class Node:
    def __init__(self, name):
        self.name, self.peer = name, None


class Positive:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, obj, owner=None):
        return getattr(obj, self.name)

    def __set__(self, obj, value):
        if value <= 0:
            raise ValueError("must be positive")
        setattr(obj, self.name, value)


class Box:
    size = Positive()


def main():
    events = []
    node = Node("a")
    weakref.finalize(node, events.append, "finalized")
    node.peer = node
    ref = weakref.ref(node)
    del node
    alive = ref() is not None
    gc.collect()
    cache = weakref.WeakValueDictionary()
    kept = cache["k"] = Node("kept")
    deep = copy.deepcopy({"n": [kept, kept]})
    box = Box()
    box.size = 3
    try:
        box.size = -1
    except ValueError as e:
        events.append(str(e))
    space = types.SimpleNamespace(a=1)
    print(space)
    return {"alive": alive, "gone": ref() is None, "events": events, "cache": sorted(cache),
            "deep": deep["n"][0] is deep["n"][1], "copied": deep["n"][0] is not kept, "box": box.size,
            "proxy": dict(types.MappingProxyType({"x": 1}))}
