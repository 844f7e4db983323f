# SPDX-License-Identifier: MIT
"""Address space is bounded, if nothing of it is touched: what is mapped sparsely has page tables.

layers: limits
expect: {"8 TiB": "ENOMEM", "little by little": "ENOMEM", "bounded": true}
"""

import mmap


def main():
    def take(length):
        kept.append(mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000))  # MAP_NORESERVE

    def take_all():
        while len(kept) < 1000:
            take(64 << 20)

    kept = []
    at_once = attempt(take, 8 << 40)
    return {"8 TiB": at_once, "little by little": attempt(take_all), "bounded": len(kept) * 64 < 4096}
