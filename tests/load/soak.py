#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A long mixed load: every answer is checked exactly, and what the service holds is watched while it runs.

    tests/load/soak.py [--requests N] [--connections C] [--seed S] [--every SECONDS] [--NAME=VALUE of the service ...]

Nine of ten requests are honest scripts of many kinds (soak_kinds.py), the tenth is hostile. Each carries a token of its own,
and no answer may hold another's. A line for each sample, a table of first, last, most and slope at the end. Exit status 1:
an answer was wrong, a process of the service was restarted, or at the end something was left or had grown beyond MARGINS.
As root; the same seed asks the same.
"""

import argparse
import collections
import itertools
import os
import random
import resource
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from harness.client import Client  # noqa: E402
from harness.looks import anonymous_kb, descriptors_of, files_left, groups_of, mounts_seen, quiet  # noqa: E402
from harness.server import Server, descendants, processes, wait_until  # noqa: E402
from soak_kinds import CHOICES, Late, Line, Request, Wrong  # noqa: E402

SETTINGS = {"TIME_LIMIT_SEC": "0.5", "MEM_LIMIT_MB": "192", "TMP_LIMIT_MB": "8", "MAX_QUEUE": "200", "LOG_FORMAT": "text"}
TEMPLATES_REPLACED = 8                  # times, in a whole run
LATE_MOST = 0.001                       # of honest requests: stopped at the time limit, since others use the machine
WARM_UP_MOST = 2000
# What may have been added between the end of the warm-up and the end of the run, both with nothing going on.
MARGINS = {"spawner KB": 300, "web KB": 3000, "template 0 KB": 3000, "template 1 KB": 3000, "spawner fds": 0, "web fds": 0,
           "template 0 fds": 0, "template 1 fds": 0, "processes": 0, "zombies": 0, "mounts": 0, "groups": 0}


# ---- the load --------------------------------------------------------------------------------------------------------

class Load:
    """Threads that take the next request, send it and check what comes back."""

    def __init__(self, server, seed, connections):
        self.server, self.seed, self.connections = server, seed, connections
        self.numbers = itertools.count()
        self.done = 0
        self.kinds, self.slowest = collections.Counter(), collections.Counter()
        self.wrong, self.late = [], []
        self._lock = threading.Lock()

    def run(self, until, sample=lambda: None):
        """All requests up to that number."""
        self._until = until
        threads = [threading.Thread(target=self._work) for _ in range(self.connections)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            sample()
        self.numbers = itertools.count(until)

    def _work(self):
        line = Line(self.server.port)
        while (number := next(self.numbers)) < self._until and len(self.wrong) < 20:
            dice = random.Random(f"{self.seed} {number}")
            name, kind = dice.choices(*CHOICES)[0]
            began = time.monotonic()
            wrong = late = None
            try:
                kind(Request(line, dice, f"tok-{dice.getrandbits(64):016x}"))
            except Late as e:
                late = f"{number} {name}: {e}"
            except (Wrong, OSError, ValueError, KeyError, TypeError) as e:
                wrong = f"{number} {name}: {type(e).__name__}: {e}"[:1500]
                line.close()
            took = time.monotonic() - began
            with self._lock:
                self.done += 1
                self.kinds[name] += 1
                self.slowest[name] = max(self.slowest[name], took)
                self.late += [late] if late else []
                self.wrong += [wrong] if wrong else []
            if wrong:
                print("WRONG", wrong, flush=True)
        line.close()


# ---- the looks -------------------------------------------------------------------------------------------------------

def _meminfo():
    with open("/proc/meminfo", encoding="ascii") as file:
        return {line.split(":")[0]: int(line.split()[1]) for line in file}


def _uids(pids):
    found = set()
    for pid in pids:
        try:
            found.add(os.stat(f"/proc/{pid}").st_uid)
        except OSError:
            pass                        # ended meanwhile
    return len(found)


def look(server):
    """{what: number}; what is missing was gone while it was looked at (a template that was replaced)."""
    family = descendants(server.pid)
    table = processes()
    seen = {"processes": len(family),
            "zombies": sum(state == "Z" and parent in {server.pid, *family} for parent, state, _ in table.values()),
            "uids": _uids(family), "mounts": len(mounts_seen(server.pid)), "groups": len(groups_of(server.pid))}
    pids = {"spawner": server.pid, "web": server.web_pid()}
    pids |= {f"template {i}": pid for i, pid in enumerate(server.template_pids()[:2])}
    for name, pid in pids.items():
        try:
            seen[f"{name} KB"], seen[f"{name} fds"] = anonymous_kb(pid), len(descriptors_of(pid))
        except (OSError, KeyError):
            pass
    memory = _meminfo()
    seen |= {"Slab KB": memory["Slab"], "SUnreclaim KB": memory["SUnreclaim"], "Shmem KB": memory["Shmem"],
             "files": len(files_left())}
    return seen


COLUMNS = ("spawner KB", "web KB", "template 0 KB", "template 1 KB", "spawner fds", "web fds", "processes", "zombies", "uids",
           "mounts", "groups", "files", "SUnreclaim KB", "Shmem KB")


class Samples:
    """A line every so many seconds."""

    def __init__(self, server, load, every):
        self.server, self.load, self.every = server, load, every
        self.start = self.next = time.monotonic()
        self.before = load.done
        self.all = []
        print("seconds requests   rate " + " ".join(f"{name.replace(' ', '.'):>13}" for name in COLUMNS))

    def take(self):
        """Waits a little; looks when it is time."""
        now = time.monotonic()
        if now < self.next:
            time.sleep(min(0.2, self.next - now))
            return
        self.next += self.every
        seen, seconds = look(self.server), now - self.start
        self.all.append((seconds, seen))
        print(f"{seconds:>7.0f} {self.load.done:>8} {self.rate(seconds):>6.0f} "
              + " ".join(f"{seen.get(name, '-'):>13}" for name in COLUMNS), flush=True)

    def rate(self, seconds):
        """Requests a second, without those of the warm-up."""
        return (self.load.done - self.before) / max(seconds, 1)

    def table(self, before, after):
        """first, last, most and slope (for 100,000 requests) of each; before and after: with nothing going on."""
        requests = max(1, self.load.done)
        print(f"\n{'':<16} {'first':>10} {'last':>10} {'most':>10} {'per 100k':>10} | {'quiet before':>12} {'quiet after':>12}")
        for name in (*COLUMNS, "Slab KB"):
            points = [(seconds, seen[name]) for seconds, seen in self.all if name in seen]
            if not points:
                continue
            values = [value for _, value in points]
            print(f"{name:<16} {values[0]:>10} {values[-1]:>10} {max(values):>10} "
                  f"{_slope(points) * self.all[-1][0] / requests * 1e5:>10.1f} | {before.get(name, '-'):>12} {after.get(name, '-'):>12}")


def _slope(points):
    """Least squares; a second."""
    count = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def quiet_look(server, fresh=None):
    """(what web held, a look) when nothing goes on any more."""
    wait_until(lambda: not server.job_pids(), 20, "no job runs")
    for _ in range(5):                  # a template may be replaced just then
        try:
            held = quiet(server, fresh)["web"][0]
            wait_until(lambda: sorted([server.pid, *descendants(server.pid)]) == server.idle_pids(), 20, "only who waits is there")
            seen = look(server)
            if {"template 0 KB", "template 1 KB"} <= set(seen) or len(server.template_pids()) < 2:
                return held, seen
        except OSError:
            time.sleep(1)
    raise AssertionError("it does not come to rest")


def judge(load, before, after, restarted, replaced):
    """[what is wrong]"""
    found = [f"wrong answer: {text}" for text in load.wrong]
    if len(load.late) > LATE_MOST * load.done:
        found.append(f"{len(load.late)} honest requests were stopped at the time limit, such as {load.late[0]}")
    if restarted:
        found.append("the spawner or web was restarted")
    if not replaced:
        found.append("no template was replaced: TEMPLATE_MAX_FORKS is too large for so few requests")
    for name, margin in MARGINS.items():
        if name in before and after.get(name, 0) - before[name] > margin:
            found.append(f"{name}: {before[name]} became {after[name]}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--every", type=float, default=10, help="seconds between two samples (default 10)")
    options, settings = parser.parse_known_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    settings = {name.lstrip("-").upper().replace("-", "_"): value for name, _, value in (s.partition("=") for s in settings)}
    settings = {**SETTINGS, "TEMPLATE_MAX_FORKS": str(max(50, options.requests // 2 // TEMPLATES_REPLACED)), **settings}
    print(" ".join(f"{name}={value}" for name, value in settings.items()), f"seed={options.seed}")
    files, mounts = files_left(), mounts_seen()
    server = Server(settings).start()
    try:
        pid, identity = server.pid, server.identity()
        load = Load(server, options.seed, options.connections)
        fresh, _ = quiet_look(server)
        load.run(min(WARM_UP_MOST, options.requests // 10))
        _, before = quiet_look(server, fresh)
        samples = Samples(server, load, options.every)
        load.run(options.requests, samples.take)
        seconds = time.monotonic() - samples.start
        _, after = quiet_look(server, fresh)
        samples.table(before, after)
        templates = Client(server).health().get("templates", {})
        replaced = sum(t["replaced"] for t in templates.values())
        found = judge(load, before, after, server.identity() != identity, replaced)
    finally:
        server.stop()
    left = files_left() - files
    time.sleep(2)                       # another service that starts here has a canary of its own for a moment
    found += [f"left: {name}" for name in [*groups_of(pid), *(left & files_left())]]
    if mounts_seen() != mounts:
        found.append("the machine's mount table changed")
    print("\nkind: how often, slowest in seconds\n" + "\n".join(
        f"  {name:<22} {count:>8} {load.slowest[name]:>8.2f}" for name, count in load.kinds.most_common()))
    print(f"{load.done} requests, {samples.rate(seconds):.0f}/s; {len(load.wrong)} wrong, {len(load.late)} late; templates replaced "
          f"{replaced} times, restarted {sum(t['restarts'] for t in templates.values())} times")
    print("\n".join(found) or "every answer was right, and nothing was left")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
