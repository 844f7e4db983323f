# SPDX-License-Identifier: MIT
"""What a model writes for: count words, find the longest lines, print a table."""
import re
from collections import Counter

POEM = """Two roads diverged in a yellow wood,
And sorry I could not travel both
And be one traveler, long I stood
And looked down one as far as I could
To where it bent in the undergrowth;"""


def main():
    lines = POEM.splitlines()
    words = re.findall(r"[a-z']+", POEM.lower())
    counts = Counter(words)
    table = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]
    print(f"{'word':<10}|{'count':>6}")
    print("-" * 17)
    for word, count in table:
        print(f"{word:<10}|{count:>6}")
    return {"lines": len(lines), "words": len(words), "unique": len(counts), "longest": max(lines, key=len),
            "average": round(sum(map(len, words)) / len(words), 3), "table": table}
