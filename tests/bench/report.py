# SPDX-License-Identifier: MIT
"""Turns the measurements into tables, and compares them with the figures that the project aims at."""

import math
import statistics
from dataclasses import dataclass, field

import scripts
import usage
from servers import COLD, FLASK, FORK, POOL, PYTHON

__all__ = ["Results", "markdown", "memory_listing", "text"]

_ENOUGH = 100       # samples from which on a 99th percentile is one


@dataclass
class Results:
    """All that was measured; a missing entry was not measured."""

    machine: dict                                   # what -> text
    competitors: list                               # names, in the order of the tables
    paced: dict = field(default_factory=dict)       # (script, competitor) -> [seconds]
    cells: dict = field(default_factory=dict)       # (script, competitor, connections) -> Cell
    memory: dict = field(default_factory=dict)      # competitor -> [usage.Process]
    cpu_sources: dict = field(default_factory=dict)  # competitor -> word
    missing: dict = field(default_factory=dict)     # competitor -> why it is not available
    failures: list = field(default_factory=list)    # wrong answers and failed servers, in words

    def p50(self, script, competitor):
        """Median of the paced runs in ms, or None."""
        seconds = self.paced.get((script, competitor))
        return 1000 * statistics.median(seconds) if seconds else None

    def p99(self, script, competitor):
        """99th percentile of the paced runs in ms (the largest of few), or None."""
        seconds = self.paced.get((script, competitor))
        return 1000 * _percentile(seconds, 0.99) if seconds else None

    def rate(self, script, competitor, connections=4):
        """Requests per second, or None."""
        cell = self.cells.get((script, competitor, connections))
        return cell.rate if cell else None

    def cpu_ms(self, script, competitor, connections=4):
        """CPU ms per request, or None."""
        cell = self.cells.get((script, competitor, connections))
        return cell.cpu_ms if cell else None

    def memory_mib(self, competitor):
        """All memory of a server, or None where a process cannot be looked into."""
        total = usage.total_kib(self.memory.get(competitor))
        return sum(total) / 1024 if total else None


def _percentile(values, share):
    return sorted(values)[math.ceil(share * len(values)) - 1]


def _over(a, b):
    return a / b if a is not None and b else None


def _number(value, digits=2):
    """At least so many significant digits, never an exponent; "-" for what was not measured."""
    if value is None or math.isnan(value):
        return "-"
    if value == 0:
        return "0"
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"


# ---- plain text ------------------------------------------------------------------------------------------------------

def text(results):
    """The whole report."""
    parts = [
        _facts(results),
        "Paced: one request at a time, a pause after each answer; ms",
        _paced(results),
        "Closed loop: each connection sends again at once; requests/s, p99 in ms, CPU ms per request",
        _closed(results),
        "Idle memory: each server alone, after one request of each kind and 2 s of rest",
        _memory(results),
        "Targets (a missed one is no failure)",
        _table(2, ["", "figure", "target", "measured"], _targets(results)),
    ]
    for name, reason in results.missing.items():
        parts.append(f"{name}: not available: {reason}")
    parts += [f"FAILED: {failure}" for failure in results.failures]
    return "\n\n".join(parts) + "\n"


def _facts(results):
    width = max(map(len, results.machine))
    return "\n".join(f"{what:<{width}}  {value}" for what, value in results.machine.items())


def _table(words, header, rows):
    """Columns as wide as needed: so many of words, at the left of their column, then numbers, at its right."""
    rows = [header, *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    lines = ["  ".join(f"{cell:{'<' if i < words else '>'}{widths[i]}}"
                       for i, cell in enumerate(row)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _present(results, table):
    """[(script, competitor)] with something measured, in the order of the report."""
    keys = {key[:2] for key in table}
    return [(script, name) for script in dict.fromkeys(key[0] for key in table)
            for name in results.competitors if (script, name) in keys]


def _paced(results):
    rows = []
    for script, name in _present(results, results.paced):
        samples = len(results.paced[script, name])
        p50, p99 = results.p50(script, name), results.p99(script, name)
        rows.append([script, name, str(samples), _number(p50, 3),
                     _number(p99, 3) + (" " if samples >= _ENOUGH else "*"), _number(_over(p99, p50)),
                     _number(_over(p50, results.p50(script, PYTHON))),
                     _number(_over(p50, results.p50(script, FLASK)))])
    return _table(2, ["script", "competitor", "samples", "p50", "p99", "p99/p50",
                   "p50 / " + PYTHON, "p50 / " + FLASK], rows) + \
        f"\n* the largest of fewer than {_ENOUGH} samples"


def _closed(results):
    counts = sorted({connections for _, _, connections in results.cells})
    header = ["script", "competitor"]
    for connections in counts:
        header += [f"c={connections}", "p99", "CPU"]
    rows = []
    for script, name in _present(results, results.cells):
        row = [script, name]
        for connections in counts:
            cell = results.cells.get((script, name, connections))
            row += [_number(cell.rate, 3), _number(1000 * _percentile(cell.latencies, 0.99)),
                    _number(cell.cpu_ms, 3)] if cell else ["-"] * 3
        rows.append(row + [_number(_over(results.rate(script, name), results.rate(script, FLASK)))])
    sources = ", ".join(f"{name}: {source or 'unknown'}" for name, source in results.cpu_sources.items())
    return _table(2, header + ["c=4 / " + FLASK], rows) + f"\nCPU time from {sources}"


def _memory(results):
    rows = []
    for name in results.competitors:
        if processes := results.memory.get(name):
            mib = results.memory_mib(name)
            pss, untouched = (kib / 1024 for kib in usage.total_kib(processes) or (math.nan, math.nan))
            rows.append([name, _number(mib, 3), _number(pss, 3), _number(untouched, 3), str(len(processes)),
                         _number(_over(mib, results.memory_mib(FLASK)))])
    return _table(1, ["server", "MiB", "Pss", "memfd beyond Pss", "processes", "/ " + FLASK], rows)


def memory_listing(results):
    """One line per process of each server."""
    def kib(value):
        return "-" if value is None else str(value)

    rows = [[name, str(p.pid), p.name, kib(p.pss), kib(p.private), kib(p.anonymous)]
            for name in results.competitors for p in results.memory.get(name, [])]
    return "Memory of each process, KiB\n\n" + \
        _table(3, ["server", "pid", "process", "Pss", "private", "anonymous"], rows) + "\n"


# ---- targets ---------------------------------------------------------------------------------------------------------

def _targets(results):
    """Rows of (reached, figure, target, measured)."""
    rows = []

    def target(figure, value, least=None, most=None, unit=""):
        reached = "not measured" if value is None else \
            "yes" if (value >= least if most is None else value <= most) else "no"
        bound = f">= {least}" if most is None else f"<= {most}"
        rows.append([reached, figure, bound + unit, _number(value) + unit if value is not None else "-"])

    for script, most in ((scripts.TRIVIAL, 0.06), (scripts.NUMPY, 0.03), (scripts.PANDAS, 0.025)):
        target(f"paced p50, {script}, {POOL} / {PYTHON}",
               _over(results.p50(script, POOL), results.p50(script, PYTHON)), most=most)
    for script in scripts.MAIN:
        target(f"paced p99 / p50, {script}, {POOL}",
               _over(results.p99(script, POOL), results.p50(script, POOL)), most=1.5)
    for script, least in ((scripts.TRIVIAL, 18), (scripts.PANDAS, 33)):
        for name in (POOL, FORK):
            target(f"requests/s at c=4, {script}, {name} / {FLASK}",
                   _over(results.rate(script, name), results.rate(script, FLASK)), least=least)
    for script, most in ((scripts.TRIVIAL, 2.0), (scripts.FULL_TIER, 3.3)):
        for name in (POOL, FORK):
            target(f"CPU per request at c=4, {script}, {name}", results.cpu_ms(script, name),
                   most=most, unit=" ms")
    target(f"idle memory, {POOL}", results.memory_mib(POOL), most=90, unit=" MiB")
    return rows


# ---- Markdown --------------------------------------------------------------------------------------------------------

def markdown(results):
    """One table and a line on where it was measured, to be pasted into README.md."""
    trivial, numpy, pandas = scripts.MAIN
    lines = [
        "| | trivial p50 | numpy p50 | pandas p50 | trivial requests/s | pandas requests/s "
        "| CPU trivial / pandas | idle memory |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    labels = {POOL: "**warm pool** (default)", FORK: "warm, fork per request", COLD: "cold",
              PYTHON: "bare `python3`, no sandbox", FLASK: "Flask + gunicorn + bubblewrap"}
    for name in results.competitors:
        if name in results.missing:
            continue
        cells = [_ms(results.p50(script, name), results.p50(script, PYTHON))
                 for script in (trivial, numpy, pandas)]
        for script in (trivial, pandas):
            rate, times = results.rate(script, name), _over(results.rate(script, name),
                                                            results.rate(script, FLASK))
            cells.append("-" if rate is None else _number(rate) if times is None
                         else f"{_number(rate)} ({_number(times)}x)")
        cells.append(" / ".join(_number(results.cpu_ms(script, name)) for script in (trivial, pandas)) + " ms")
        memory = results.memory_mib(name)
        cells.append("-" if memory is None else f"{memory:.0f} MiB")
        lines.append(f"| {labels.get(name, name)} | " + " | ".join(cells) + " |")
    m = results.machine
    lines += ["", f"p50: one request at a time, in brackets the share of bare `python3`. requests/s: four connections, "
              f"in brackets times Flask. CPU: of all processes of the server, per request. Measured by `make bench` on "
              f"{m['date']}: {m['CPUs']} CPUs ({m['CPU']}), Linux {m['kernel']}, Python {m['Python']}, "
              f"numpy {m['numpy']}, pandas {m['pandas']}; a run of {m['duration']}, CPU time of other programs "
              f"{m.get('CPU time of others', 'unknown').partition(' (')[0]}."]
    return "\n".join(lines) + "\n"


def _ms(value, reference):
    if value is None:
        return "-"
    share = _over(value, reference)
    return f"{_number(value)} ms" + (f" ({_number(share)})" if share is not None else "")
