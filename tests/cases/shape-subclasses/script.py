from collections import Counter, OrderedDict, defaultdict


class Text(str):
    pass


class Number(int):
    pass


def main():
    d = defaultdict(list)
    d["a"].append(1)
    return [OrderedDict(b=1, a=2), Counter("aab"), d, Text("t"), Number(5)]
