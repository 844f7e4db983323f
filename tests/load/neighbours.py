#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What does an honest script feel while a bomb of tests/escape/bombs runs in the other slot? Prints a table.

    /usr/bin/python3 tests/load/neighbours.py [--only WORD] [--seconds N] [--pause SECONDS]

README.md says how to read it. The exit status is 1 when an answer of the neighbour was wrong or missing.
"""

import argparse
import json
import math
import os
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import urllib3  # noqa: E402

from harness.client import Client  # noqa: E402
from harness.facts import facts_of  # noqa: E402
from harness.server import Server, wait_until  # noqa: E402
from test_escape import ATTACKS, SETTINGS, TOOLBOX, Machine  # noqa: E402

HONEST = "def main():\n    return {'answer': 6 * 7}\n"
REFERENCES = {
    "(nobody)": None,
    "(one busy loop)": "def main():\n    while True: pass\n",
    "(eight busy loops)": "import os\ndef main():\n    for _ in range(3): os.fork()\n    while True: pass\n",
}


class Bomber(threading.Thread):
    """Sends a script over and over, in one slot, until it is told to stop."""

    def __init__(self, server, script):
        super().__init__(daemon=True)
        self._client, self._body, self._stop_it = Client(server, timeout=60), json.dumps({"script": script}).encode(), False
        self.codes = {}

    def run(self):
        while not self._stop_it:
            try:
                answer = self._client.post(self._body)
                what = answer.code or "200"
            except (urllib3.exceptions.HTTPError, AssertionError) as error:
                what = type(error).__name__
            self.codes[what] = self.codes.get(what, 0) + 1

    def stop(self):
        """Lets the last one come to its end."""
        self._stop_it = True
        self.join()


def ask(client, seconds, pause):
    """[milliseconds] of the honest script, one after the other."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        answer = client.execute(HONEST)
        took.append(1000 * (time.perf_counter() - began))
        if answer.status != 200 or answer.result != {"answer": 42}:
            raise AssertionError(f"the neighbour was answered {answer!r}")
        time.sleep(pause)
    return took


def p99(values):
    """The 99th percentile; of few, the largest."""
    return sorted(values)[math.ceil(len(values) * 0.99) - 1]


def cpu_seconds(pid):
    """What a process has used until now."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def row(name, alone, beside, busy, codes):
    """One line of the table."""
    median = statistics.median
    return (f"| {name} | {median(alone):.1f} | {p99(alone):.1f} | {median(beside):.1f} | {p99(beside):.1f} | {max(beside):.0f} | "
            f"{median(beside) / median(alone):.1f} | {p99(beside) / p99(alone):.1f} | {busy[0]:.0f} | {busy[1]:.0f} | "
            f"{', '.join(f'{count} {code}' for code, count in sorted(codes.items()))} |")


def measure(server, script, options):
    """([ms alone], [ms beside], (busy percent of web, of the spawner), {code of the bomb: how often})."""
    client = Client(server, timeout=60)
    ask(client, 0.2, options.pause)
    alone = ask(client, options.seconds / 2, options.pause)
    bomber = Bomber(server, script) if script else None
    if bomber:
        bomber.start()
        time.sleep(0.1)
    pids = [server.web_pid(), server.pid]
    began, before = time.monotonic(), [cpu_seconds(pid) for pid in pids]
    try:
        beside = ask(client, options.seconds, options.pause)
        busy = [100 * (cpu_seconds(pid) - was) / (time.monotonic() - began) for pid, was in zip(pids, before)]
    finally:
        if bomber:
            bomber.stop()
    wait_until(lambda: not server.job_pids(), 10, "the last bomb is gone")
    return alone, beside, busy, bomber.codes if bomber else {}


def rows(options, machine):
    """(name, settings, function from a server to the script), the references first."""
    for name, script in REFERENCES.items():
        yield name, SETTINGS, lambda server, script=script: script, set()
    for attack in ATTACKS:
        if attack.is_bomb and options.only in attack.name:
            yield (attack.name.partition("/")[2], attack.settings,
                   lambda server, attack=attack: f"{attack.text}\n\nGIVEN = {machine.given(server, attack.settings)!r}\n{TOOLBOX}\n",
                   attack)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="WORD", help="only bombs with this word in their name")
    parser.add_argument("--seconds", type=float, default=4, help="beside each bomb; half of it alone before (default %(default)s)")
    parser.add_argument("--pause", type=float, default=0.01, help="between two requests (default %(default)s)")
    options = parser.parse_args()
    machine, servers, failed = Machine(), {}, False
    print("| bomb | alone p50 ms | p99 | beside p50 | p99 | most | p50 times | p99 times | web % | spawner % | what the bomb was answered |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    try:
        for name, settings, script_for, attack in rows(options, machine):
            key = json.dumps(settings, sort_keys=True)
            if key not in servers:
                servers[key] = Server({**settings, "MAX_CONCURRENCY": "2"}).start()
            server = servers[key]
            if attack and attack.reason_to_skip(facts_of(server)):
                continue
            try:
                print(row(name, *measure(server, script_for(server), options)), flush=True)
            except AssertionError as error:
                failed = True
                print(f"| {name} | {error} |", flush=True)
    finally:
        for server in servers.values():
            server.stop()
        machine.close()
    return failed


if __name__ == "__main__":
    sys.exit(main())
