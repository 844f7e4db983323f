# SPDX-License-Identifier: MIT
"""Generators: send, throw, yield from, pipelines, infinite streams."""


def averager():
    total = count = 0
    average = None
    while True:
        try:
            value = yield average
        except ZeroDivisionError:
            total = count = 0
            average = None
            continue
        total, count = total + value, count + 1
        average = total / count


def flatten(tree):
    for item in tree:
        if isinstance(item, list):
            yield from flatten(item)
        else:
            yield item


def inner():
    got = yield "first"
    return f"inner saw {got}"


def outer():
    result = yield from inner()
    yield result


def main():
    a = averager()
    next(a)
    values = [a.send(x) for x in (10, 20, 60)]
    reset = a.throw(ZeroDivisionError)
    values.append(a.send(4))
    o = outer()
    talk = [next(o), o.send("hello")]
    closed = []

    def guarded():
        try:
            yield 1
        finally:
            closed.append("closed")

    g = guarded()
    next(g)
    g.close()
    print(*flatten([1, [2, [3, [4]], 5]]))
    return {"values": values, "reset": reset, "talk": talk, "closed": closed, "squares": sum(x * x for x in range(10))}
