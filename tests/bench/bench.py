#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares safe-exec with a bare interpreter and with the usual Flask design, in one run.

    python3 tests/bench/bench.py [--quick] [--full-tier] [--also NAME=PORT]... [--verbose] [--markdown FILE]

The competitors take turns all the time, so that whatever else the machine does hits all of them. The
exit status is 1 when an answer was wrong or a server failed; slowness is reported, never a failure.
SAFE_EXEC_BIN names another binary than build/safe-exec.
"""

import argparse
import gc
import os
import platform
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import load
import report
import scripts
import servers
import usage

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_BINARY = os.path.join(_ROOT, os.environ.get("SAFE_EXEC_BIN", "build/safe-exec"))


@dataclass
class _Plan:
    """How much is measured."""

    paced_main: int = 120       # rounds for the main scripts
    paced_other: int = 30
    loop_rounds: int = 2
    loop_window: float = 0.8    # seconds a cell and round
    loop_warm_up: float = 0.3
    connections: tuple = (1, 2, 4, 8)
    loop_other: bool = True     # the other scripts too, at c=4


_FULL = _Plan()
_QUICK = _Plan(paced_main=12, paced_other=4, loop_rounds=1, loop_window=0.4, loop_warm_up=0.2,
               connections=(1, 4), loop_other=False)


def _say(words):
    print(words, file=sys.stderr, flush=True)


class _Bench:
    """One run: what takes part, and what came out."""

    def __init__(self, arguments, plan):
        self.plan = plan
        self.scripts = scripts.scripts(arguments.full_tier)
        self.cpus = len(os.sched_getaffinity(0))
        self.competitors = servers.competitors(_BINARY, self.cpus)
        for name, _, port in (also.rpartition("=") for also in arguments.also):
            self.competitors.append(servers.Running(name, int(port)))
        self.results = report.Results(_machine(self.cpus), [c.name for c in self.competitors])

    def run(self):
        """Measures everything; servers are stopped whatever happens."""
        try:
            self._memory()
            self._start()
            before = self._cpu_of_others(), time.monotonic()
            self._paced()
            self._closed_loop()
            self._tell_noise(*before)
        finally:
            for competitor in self.competitors:
                self._stop(competitor)

    def _fail(self, name, doing, error):
        self.results.failures.append(f"{name}: {doing}: {error or type(error).__name__}")
        _say(f"  {self.results.failures[-1]}")

    def _stop(self, competitor):
        wrong = competitor.stop()
        if wrong:
            self._fail(competitor.name, "stop", wrong)

    def _memory(self):
        """Each server alone, because neighbours share pages; finds out who is available, too."""
        for competitor in list(self.competitors):
            _say(f"memory: {competitor.name}")
            try:
                competitor.start()
            except servers.NotAvailable as e:
                self.results.missing[competitor.name] = str(e)
                _say(f"  not available: {e}")
                self.competitors.remove(competitor)
                continue
            except (servers.Failed, OSError) as e:
                self._fail(competitor.name, "start", e)
                self.competitors.remove(competitor)
                continue
            for script in self.scripts:
                try:
                    load.run_once(competitor, script)
                except (scripts.WrongAnswer, OSError) as e:
                    self._fail(competitor.name, script.name, e)
            if competitor.pid:
                time.sleep(2)
                self.results.memory[competitor.name] = usage.memory(competitor.pid)
            self.results.cpu_sources[competitor.name] = competitor.cpu_source
            self._stop(competitor)

    def _start(self):
        for competitor in list(self.competitors):
            try:
                competitor.start()
            except (servers.NotAvailable, servers.Failed, OSError) as e:
                self._fail(competitor.name, "second start", e)
                self.competitors.remove(competitor)

    def _cpu_of_others(self):
        """CPU seconds of all that is neither a competitor nor this program."""
        return usage.machine_cpu_seconds() - time.process_time() - sum(
            competitor.cpu_seconds() for competitor in self.competitors)

    def _tell_noise(self, seconds, began):
        if all(competitor.cpu_source for competitor in self.competitors):
            share = (self._cpu_of_others() - seconds) / (time.monotonic() - began) / self.cpus
            self.results.machine["CPU time of others"] = \
                f"{max(0, 100 * share):.0f} % of the machine (more than a few: expect noise)"

    def _paced(self):
        order = random.Random(1)
        for script in self.scripts:
            _say(f"paced: {script.name}")
            rounds = self.plan.paced_main if script.name in scripts.MAIN else self.plan.paced_other
            seconds = load.paced(self.competitors, script, rounds, order, self._fail)
            self.results.paced.update({(script.name, name): s for name, s in seconds.items() if s})

    def _closed_loop(self):
        for number in range(self.plan.loop_rounds):
            for script in self.scripts:
                if script.name in scripts.MAIN:
                    counts = self.plan.connections
                elif self.plan.loop_other or script.name == scripts.FULL_TIER:
                    counts = (4,)
                else:
                    continue
                _say(f"closed loop, round {number + 1} of {self.plan.loop_rounds}: {script.name}")
                for connections in counts:
                    for competitor in self.competitors:
                        self._cell(competitor, script, connections)

    def _cell(self, competitor, script, connections):
        try:
            cell = load.closed_loop(competitor, script, connections, self.plan.loop_warm_up,
                                    self.plan.loop_window)
        except (scripts.WrongAnswer, OSError) as e:
            self._fail(competitor.name, f"{script.name}, c={connections}", e)
            return
        self.results.cells.setdefault((script.name, competitor.name, connections), load.Cell()).add(cell)


def _machine(cpus):
    """What the figures depend on, in words."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"^model name\s*:\s*(.*)$", f.read(), re.M)
    versions = subprocess.run(
        [servers.INTERPRETER, "-c", "import platform, numpy, pandas\n"
         "print(platform.python_version(), numpy.__version__, pandas.__version__)"],
        capture_output=True, text=True, check=False).stdout.split() or ["unknown"] * 3
    return {
        "date": time.strftime("%Y-%m-%d"),
        "kernel": platform.release(),
        "CPU": model.group(1).strip() if model else platform.machine(),
        "CPUs": str(cpus),
        "Python": versions[0], "numpy": versions[1], "pandas": versions[2],
    }


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="about one minute, fewer samples")
    parser.add_argument("--full-tier", action="store_true",
                        help="also a trivial script that is given an interpreter with numpy")
    parser.add_argument("--also", metavar="NAME=PORT", action="append", default=[],
                        help="also a safe-exec that is running on loopback, in a container, say; with TIME_LIMIT_SEC=30 "
                             "and MAX_STDOUT_BYTES=2097152")
    parser.add_argument("--verbose", action="store_true", help="also the memory of each process")
    parser.add_argument("--markdown", metavar="FILE", help="also write a Markdown table there")
    arguments = parser.parse_args()
    if not os.access(_BINARY, os.X_OK):
        parser.error(f"{_BINARY} is no program: run make first")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))      # servers are stopped on the way out
    began = time.monotonic()
    bench = _Bench(arguments, _QUICK if arguments.quick else _FULL)
    gc.disable()
    bench.run()
    results = bench.results
    results.machine["duration"] = f"{time.monotonic() - began:.0f} s" + (" (quick)" if arguments.quick else "")
    print(report.text(results))
    if arguments.verbose:
        print(report.memory_listing(results))
    if arguments.markdown:
        with open(arguments.markdown, "w", encoding="utf-8") as f:
            f.write(report.markdown(results))
    return 1 if results.failures else 0


if __name__ == "__main__":
    sys.exit(main())
