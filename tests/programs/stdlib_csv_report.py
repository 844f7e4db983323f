# SPDX-License-Identifier: MIT
"""csv: a report by department with DictReader, Sniffer and DictWriter."""
import csv
import io
from collections import defaultdict

DATA = """name;dept;salary;note
Ada;R&D;5200.50;"first; best"
Bob;Sales;4100.00;
Eve;R&D;6100.25;"says ""hi"" twice"
Dan;Sales;3900.00;new
"""


def main():
    dialect = csv.Sniffer().sniff(DATA.splitlines()[0], delimiters=";,")
    rows = list(csv.DictReader(io.StringIO(DATA), dialect=dialect))
    groups = defaultdict(list)
    for row in rows:
        groups[row["dept"]].append(float(row["salary"]))
    out = io.StringIO()
    writer = csv.DictWriter(out, ["dept", "n", "mean"], lineterminator="\n")
    writer.writeheader()
    for dept, values in sorted(groups.items()):
        writer.writerow({"dept": dept, "n": len(values), "mean": f"{sum(values) / len(values):.2f}"})
    print(out.getvalue(), end="")
    return {"delimiter": dialect.delimiter, "notes": [r["note"] for r in rows]}
