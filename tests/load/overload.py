#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Everything that strangers can do to a service on the open internet, beside one honest client.

    tests/load/overload.py [--seconds N] [--only WORD,...] [--idle N] [--NAME=VALUE of the service ...]

Starts the service, measures the honest client alone, then with all slots taken by a client that does no harm ("full": what
being busy costs by itself), then during each attack and during all of them together, and prints a table. Attackers are
processes of their own with the lowest priority, from addresses of the loopback network, since real ones use no processor of
ours. The honest client (127.0.0.3) makes a new connection for each request: it is a newcomer each time. Exit status 1: it
was turned away or got a wrong answer, or web had more memory than README.md says.
"""

import argparse
import asyncio
import json
import math
import multiprocessing
import os
import random
import resource
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from harness.bound import resident_kib, web_bound_kib  # noqa: E402
from harness.client import Client, read_answer, request_bytes  # noqa: E402
from harness.server import Server  # noqa: E402

HONEST = "127.0.0.3"
HONEST_PAUSE = 0.02
TRIVIAL = "def main():\n    return 'attack'"
LARGE = "def main():\n    return 'x' * 1000000"
SLOW = "import time\ndef main():\n    time.sleep(0.5)"
HEAD = b"POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


# ---- attackers -------------------------------------------------------------------------------------------------------

class Attack:
    """One process of attackers: what they do (a coroutine for each of their connections) and what they count."""

    def __init__(self, port, options):
        self.port, self.options = port, options
        self.counts = {}
        self.end = 0

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def over(self):
        return time.monotonic() > self.end

    async def connect(self, address, receive_bytes=None):
        sock = socket.socket()
        try:
            if receive_bytes:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_IP, 24, 1)      # IP_BIND_ADDRESS_NO_PORT: many connections for each address
            sock.bind((address, 0))
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        except BaseException:
            sock.close()
            raise
        self.count("connections")
        return sock

    async def again(self, visit, address):
        """One connection after the other until the time is over."""
        while not self.over():
            sock = None
            try:
                sock = await self.connect(address)
                await visit(sock)
            except (OSError, asyncio.TimeoutError):
                self.count("ended by the service")
                await asyncio.sleep(0.05)
            finally:
                if sock:
                    sock.close()

    async def answer(self, sock, rest=b""):
        """(status, what follows it): reads one answer and counts it."""
        loop = asyncio.get_running_loop()
        while True:
            answer, rest = read_answer(rest)
            if answer:
                self.count(answer.status)
                if answer.status == 503 and not answer.header("Retry-After"):
                    self.count("503 without Retry-After")
                return answer.status, rest
            data = await asyncio.wait_for(loop.sock_recv(sock, 65536), 30)
            if not data:
                raise ConnectionResetError
            rest += data

    async def send(self, sock, data):
        await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(sock, data), 30)

    # -- visits: one connection each --------------------------------------------------------------

    async def closed_loop(self, sock):
        request, rest = request_bytes(TRIVIAL, close=False), b""
        while not self.over():
            await self.send(sock, request)
            _, rest = await self.answer(sock, rest)

    full = closed_loop

    async def idle(self, sock):
        if random.random() < 0.5:
            await self.send(sock, HEAD)
        await self.answer(sock)

    async def slow_headers(self, sock):
        await self.send(sock, b"GET /health HTTP/1.1\r\nX-Slow: ")
        while not self.over():
            await self.send(sock, b"a")
            await asyncio.sleep(1)

    async def slow_bodies(self, sock):
        await self.send(sock, HEAD + b"Content-Length: 100000\r\n\r\n")
        while not self.over():
            await self.send(sock, b"a")
            await asyncio.sleep(1)

    async def slow_readers(self, _):
        sock = await self.connect("127.0.0.2", 4096)
        with sock:
            await self.send(sock, request_bytes(LARGE, close=False) * 3)
            await asyncio.sleep(max(0, self.end - time.monotonic()))

    async def unfinished_bodies(self, sock):
        await self.send(sock, HEAD + b"Content-Length: 1228800\r\n\r\n" + b"x" * 1_200_000)
        await self.answer(sock)

    async def huge_bodies(self, sock):
        await self.send(sock, HEAD + b"Content-Length: 1228800\r\n\r\n" + b'{"script": "' + b"x" * (1228800 - 14) + b'"}')
        await self.answer(sock)

    async def huge_declared(self, sock):
        await self.send(sock, HEAD + b"Content-Length: 100000000000\r\n\r\n")
        await self.answer(sock)

    async def many_values(self, sock):
        body = b'{"x": [' + b"{}," * 400_000 + b"{}]}"
        await self.send(sock, HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await self.answer(sock)

    async def endless_chunks(self, sock):
        await self.send(sock, CHUNKED)
        while not self.over():
            await self.send(sock, b"10000\r\n" + b"x" * 65536 + b"\r\n")

    async def endless_extension(self, sock):
        await self.send(sock, CHUNKED + b"5;")
        while not self.over():
            await self.send(sock, b"e" * 65536)

    async def endless_headers(self, sock):
        await self.send(sock, b"GET /health HTTP/1.1\r\n")
        while not self.over():
            await self.send(sock, b"X-Endless: abc\r\n" * 1000)

    async def vanish(self, sock):
        """By FIN or RST, after any part of a request, or while it waits, runs or is answered."""
        data = request_bytes(random.choice((TRIVIAL, SLOW, LARGE)))
        await self.send(sock, data[:random.choice((0, 1, 20, 60, len(data) - 5, len(data)))])
        await asyncio.sleep(random.choice((0, 0, 0.01, 0.1)))
        if random.random() < 0.5:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def pipelining(self, sock):
        data = (b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n" * 50 + request_bytes(TRIVIAL, close=False)) * 10
        sending = asyncio.ensure_future(self.send(sock, data))
        rest = b""
        try:
            for _ in range(510):
                _, rest = await self.answer(sock, rest)
        finally:
            sending.cancel()

    async def churn(self, _):
        """Nothing but the connection."""

    # -- how many, and from where -----------------------------------------------------------------

    async def open_loop(self):
        """Requests at a rate, whether or not others are answered; each on a connection of its own."""
        tasks, start, sent = set(), time.monotonic(), 0

        async def one():
            try:
                sock = await self.connect("127.0.0.2")
                with sock:
                    await self.send(sock, request_bytes(TRIVIAL))
                    await self.answer(sock)
            except (OSError, asyncio.TimeoutError):
                self.count("ended by the service")

        while not self.over():
            due = int((time.monotonic() - start) * self.options.rate)
            for _ in range(min(due - sent, 2000 - len(tasks))):
                task = asyncio.ensure_future(one())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            sent = due
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()

    async def run(self, name):
        if name == "open_loop":
            return await self.open_loop()
        usual, addresses = ATTACKS[name]
        count = {"idle": self.options.idle, "full": self.options.slots}.get(name, usual)
        visit = getattr(self, name)
        tasks = [asyncio.ensure_future(self.again(visit, f"127.0.{n % addresses}.2")) for n in range(count)]
        while not self.over():
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        return None


# name -> (connections, addresses that they come from)
ATTACKS = {
    "full": (0, 1), "closed_loop": (700, 1), "open_loop": (0, 1), "idle": (10000, 250), "slow_headers": (500, 1), "slow_bodies": (500, 1),
    "slow_readers": (200, 1), "unfinished_bodies": (200, 1), "huge_bodies": (20, 1), "huge_declared": (20, 1),
    "many_values": (20, 1), "endless_chunks": (20, 1), "endless_extension": (20, 1), "endless_headers": (20, 1),
    "vanish": (100, 1), "pipelining": (50, 1), "churn": (50, 1),
}


def _be_nice(value):
    """sched(7): with autogrouping a nice value counts among the processes of one session alone, and the session has its own."""
    os.setsid()
    os.nice(value)
    try:
        with open("/proc/self/autogroup", "w", encoding="ascii") as file:
            file.write(str(value))
    except OSError:
        pass                            # a kernel without autogrouping


def _attacker(name, port, options, seconds, pipe):
    _be_nice(options.nice)
    attack = Attack(port, options)
    pipe.send("ready")
    pipe.recv()
    attack.end = time.monotonic() + seconds
    try:
        asyncio.run(attack.run(name))
    finally:
        pipe.send(attack.counts)


class Attackers:
    """The processes of one or more attacks."""

    def __init__(self, names, server, options):
        self._all = []
        for name in names:
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.Process(target=_attacker, args=(name, server.port, options, options.seconds + 2, theirs))
            process.start()
            theirs.close()
            self._all.append((process, ours))
        for _, pipe in self._all:
            pipe.recv()
        for _, pipe in self._all:
            pipe.send("go")

    def end(self):
        """Waits for them: what they counted together."""
        counts = {}
        for process, pipe in self._all:
            if pipe.poll(60):
                for what, number in pipe.recv().items():
                    counts[what] = counts.get(what, 0) + number
            process.join(10)
            if process.is_alive():
                process.kill()
                process.join()
        return counts


# ---- the honest client -----------------------------------------------------------------------------------------------

class Honest(threading.Thread):
    """One request after the other, each on a new connection; seconds of each, and without the time in the queue."""

    def __init__(self, server):
        super().__init__()
        self.port = server.port
        self.whole, self.served, self.failures = [], [], []
        self.stopped = threading.Event()

    def run(self):
        number = 0
        while not self.stopped.wait(HONEST_PAUSE):
            number += 1
            try:
                self.ask(number)
            except (OSError, AssertionError) as e:
                self.failures.append(f"{type(e).__name__}: {e}"[:200])

    def ask(self, number):
        start = time.perf_counter()
        with socket.create_connection(("127.0.0.1", self.port), timeout=30, source_address=(HONEST, 0)) as sock:
            sock.sendall(request_bytes(f"def main():\n    return 'honest {number}'"))
            text = b"".join(iter(lambda: sock.recv(65536), b""))
        took = time.perf_counter() - start
        answer, _ = read_answer(text)
        assert answer, f"no answer: {text[:100]!r}"
        assert answer.status == 200, f"{answer.status} {answer.code}"
        assert answer.result == f"honest {number}", f"wrong answer: {answer!r}"
        self.whole.append(took)
        queued = float(answer.header("Server-Timing").split("queue;dur=")[1].split(",")[0]) / 1000
        self.served.append(took - queued)


def percentile(values, share):
    """In milliseconds; NaN when there is none."""
    return 1000 * sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else math.nan


# ---- the table -------------------------------------------------------------------------------------------------------

class Row:
    """What was seen during one attack."""

    def __init__(self, name):
        self.name = name
        self.resident = self.descriptors = self.tcp_pages = 0
        self.honest, self.counts = None, {}

    def look(self, pid):
        """One sample of web."""
        self.resident = max(self.resident, resident_kib(pid))
        self.descriptors = max(self.descriptors, len(os.listdir(f"/proc/{pid}/fd")))
        with open("/proc/net/sockstat", encoding="ascii") as file:
            self.tcp_pages = max(self.tcp_pages, int(file.read().split("TCP:")[1].split("mem ")[1].split()[0]))

    def line(self, seconds):
        """As the table has it."""
        c, h = self.counts, self.honest
        answered = {status: n for status, n in c.items() if isinstance(status, int)}
        others = sum(n for status, n in answered.items() if status not in (200, 503))
        return (f"{self.name:<18} {sum(answered.values()) / seconds:>7.0f} {answered.get(200, 0):>7} {answered.get(503, 0):>7} "
                f"{others:>7} {c.get('connections', 0):>7} | {len(h.whole):>5} {len(h.failures):>4} {percentile(h.whole, .5):>7.1f} "
                f"{percentile(h.whole, .99):>7.1f} {percentile(h.served, .5):>7.1f} {percentile(h.served, .99):>7.1f} | "
                f"{self.resident / 1024:>6.0f} {self.descriptors:>6} {self.tcp_pages * 4 / 1024:>6.0f}")


HEADING = (f"{'attack':<18} {'ans/s':>7} {'200':>7} {'503':>7} {'others':>7} {'conn.':>7} | {'n':>5} {'lost':>4} {'p50':>7} "
           f"{'p99':>7} {'p50-q':>7} {'p99-q':>7} | {'MiB':>6} {'fds':>6} {'tcp':>6}\n"
           "(answers to attackers, their connections | the honest client: requests, failures, milliseconds, without queue | "
           "web: memory, descriptors; TCP buffers of the machine, MiB)")


def observe(name, names, server, options):
    """One row: the honest client during these attacks."""
    row, pid = Row(name), server.web_pid()
    attackers = Attackers(names, server, options)
    if names:
        time.sleep(1)                   # until they are there
    row.honest = Honest(server)
    row.honest.start()
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        row.look(pid)
        time.sleep(0.25)
    row.honest.stopped.set()
    row.honest.join()
    row.counts = attackers.end()
    assert server.web_pid() == pid, f"web was restarted during {name}\n{server.log()[-2000:]}"
    return row


def capacity(server, seconds=3):
    """Requests a second of two connections."""
    done, end = [], time.monotonic() + seconds

    def work():
        client = Client(server)
        while time.monotonic() < end:
            client.result("def main(): return 1")
            done.append(1)
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(done) / seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15, help="for each attack (default 15)")
    parser.add_argument("--only", default="", help="attacks whose names hold one of these words; \"all\" is all of them at once")
    parser.add_argument("--idle", type=int, default=ATTACKS["idle"][0], help="idle connections (default 10000)")
    parser.add_argument("--rate", type=float, help="requests a second of the open loop (default: ten times what it can do)")
    parser.add_argument("--nice", type=int, default=19, help="priority of the attackers (default 19: the lowest)")
    options, settings = parser.parse_known_args()
    settings = {name.lstrip("-").upper().replace("-", "_"): value for name, _, value in (s.partition("=") for s in settings)}
    settings = {"TIME_LIMIT_SEC": "3", "LOG_FORMAT": "json", **settings}
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))       # for us, and inherited by the service
    words = [word for word in options.only.split(",") if word]
    plan = {name: [name] for name in ATTACKS} | {"all": [name for name in ATTACKS if name != "full"]}
    plan = {name: names for name, names in plan.items() if not words or any(word in name for word in words)}
    failed = []
    with Server(settings) as server:
        options.slots = Client(server).health()["jobs"]["slots"]
        bound = web_bound_kib(settings, options.slots)
        options.rate = options.rate or 10 * capacity(server)
        print(f"{options.slots} jobs at once; open loop {options.rate:.0f} requests/s; bound of web {bound / 1024:.0f} MiB\n{HEADING}")
        rows = [observe("(none)", [], server, options)]
        print(rows[0].line(options.seconds), flush=True)
        for name, names in plan.items():
            rows.append(observe(name, names, server, options))
            print(rows[-1].line(options.seconds + 2), flush=True)
            if rows[-1].counts.get("503 without Retry-After"):
                failed.append(f"{name}: 503 without Retry-After")
        time.sleep(1)
        print(f"afterwards: {resident_kib(server.web_pid()) / 1024:.0f} MiB")
    for row in rows:
        if row.honest.failures or not row.honest.whole:
            failed.append(f"{row.name}: the honest client: {json.dumps(row.honest.failures[:3])}")
        if row.resident > bound:
            failed.append(f"{row.name}: web had {row.resident} KiB, the bound is {bound}")
    print("\n".join(failed) or "the honest client was served, and memory stayed below its bound")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
