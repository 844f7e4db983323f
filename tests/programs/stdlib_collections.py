# SPDX-License-Identifier: MIT
"""collections: Counter, deque, ChainMap, OrderedDict, defaultdict, UserDict."""
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque

TEXT = """It was the best of times, it was the worst of times, it was the age of wisdom,
it was the age of foolishness, it was the epoch of belief"""


class Lower(UserDict):
    def __setitem__(self, key, value):
        super().__setitem__(key.lower(), value)


def main():
    words = Counter(w.strip(",").lower() for w in TEXT.split())
    window, averages = deque(maxlen=3), []
    for n in [4, 8, 15, 16, 23, 42]:
        window.append(n)
        averages.append(sum(window) / len(window))
    tree = lambda: defaultdict(tree)  # noqa: E731
    root = tree()
    root["a"]["b"]["c"] = 1
    lru = OrderedDict.fromkeys("abc")
    lru.move_to_end("a")
    settings = ChainMap({"debug": True}, {"debug": False, "port": 80})
    lower = Lower(A=1)
    for word, count in sorted(words.most_common(), key=lambda p: (-p[1], p[0]))[:4]:
        print(f"{word:<8}{'*' * count}")
    return {"words": words, "averages": averages, "tree": root, "lru": list(lru), "debug": settings["debug"],
            "port": settings["port"], "lower": dict(lower), "diff": Counter("aab") - Counter("ab")}
