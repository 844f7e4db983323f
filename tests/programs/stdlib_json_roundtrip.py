# SPDX-License-Identifier: MIT
"""json: nested documents survive a round trip, with sorting, separators and a hook."""
import json
from decimal import Decimal


def main():
    order = {"id": 17, "lines": [{"sku": "A-1", "qty": 2, "price": "19.90"},
                                 {"sku": "B-7", "qty": 1, "price": "5.05"}], "note": "größer"}
    text = json.dumps(order, sort_keys=True, ensure_ascii=False, indent=2)
    again = json.loads(text, object_pairs_hook=lambda pairs: {k.upper(): v for k, v in pairs})
    total = sum(Decimal(line["PRICE"]) * line["QTY"] for line in again["LINES"])
    print(text)
    return {"total": total, "same": json.loads(text) == order, "keys": sorted(again),
            "exact": json.loads("0.1", parse_float=Decimal),
            "compact": json.dumps([1, {"a": None}], separators=(",", ":"))}
