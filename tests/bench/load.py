# SPDX-License-Identifier: MIT
"""The client: one request at a time with pauses (paced), or as fast as possible (closed loop).

It shares the machine with the servers, so it is one thread with plain sockets and does little. Every
answer is checked, outside the measured time of its request where the load allows that.
"""

import math
import re
import select
import socket
import threading
import time
from dataclasses import dataclass, field

from scripts import WrongAnswer
from servers import Bare

__all__ = ["Cell", "closed_loop", "paced", "run_once"]

_TIMEOUT_SEC = 60
_HEAD = re.compile(rb"HTTP/1\.1 (\d+).*\r\nContent-Length: *(\d+)", re.S | re.I)


class _Connection:
    """A connection that is kept alive, or made anew for each request where the server closes it."""

    def __init__(self, port):
        self._port, self._socket = port, None
        self._buffer, self._answer = bytearray(), None

    def prepare(self):
        """Notices that the server has closed an idle connection."""
        if self._socket and select.select([self._socket], [], [], 0)[0]:
            self.close()

    def send(self, request):
        """Sends a whole request; True if a new connection had to be made."""
        new = self._socket is None
        if new:
            self._socket = socket.socket()
            self._socket.settimeout(_TIMEOUT_SEC)
            self._socket.connect(("127.0.0.1", self._port))
        self._socket.sendall(request)
        return new

    def fileno(self):
        """The descriptor on which the answer comes; it leaves an epoll set when it is closed."""
        return self._socket.fileno()

    def receive(self):
        """Takes what has come; returns (status, body) once the answer is whole, else None."""
        data = self._socket.recv(1 << 16)
        if not data:
            raise WrongAnswer(f"connection closed after {len(self._buffer)} bytes of an answer")
        self._buffer += data
        if self._answer is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = bytes(self._buffer[:end])
            match = _HEAD.match(head)
            if not match:
                raise WrongAnswer(f"unexpected head of an answer: {head[:300]!r}")
            closes = b"connection: close" in head.lower()
            self._answer = int(match.group(1)), end + 4, end + 4 + int(match.group(2)), closes
        status, start, end, closes = self._answer
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[start:end])
        self._buffer, self._answer = bytearray(), None
        if closes:
            self.close()
        return status, body

    def close(self):
        """Gives the socket up."""
        if self._socket:
            self._socket.close()
        self._socket = None
        self._buffer, self._answer = bytearray(), None


# ---- one at a time ---------------------------------------------------------------------------------------------------

def _timed(competitor, script):
    """A function that runs the script once, checks the answer and returns the seconds, and one that cleans up."""
    if isinstance(competitor, Bare):
        path = competitor.program(script)

        def run():
            start, end, status, printed = competitor.run(path)
            _check_bare(script, status, printed)
            return end - start
        return run, lambda: None

    connection, request = _Connection(competitor.port), script.request()

    def ask():
        connection.prepare()
        start = time.perf_counter()
        connection.send(request)
        while (answer := connection.receive()) is None:
            pass
        seconds = time.perf_counter() - start
        script.check_answer(*answer)
        return seconds
    return ask, connection.close


def _check_bare(script, status, printed):
    if status != 0:
        raise WrongAnswer(f"exit status {status}")
    script.check_printed(printed)


def run_once(competitor, script):
    """Runs one script and checks the answer."""
    run, done = _timed(competitor, script)
    try:
        return run()
    finally:
        done()


def paced(competitors, script, rounds, random, on_failure, pause=0.06, slow=0.15, slow_every=4):
    """{name: [seconds]}: one request at a time, the competitors in turn, in a new order each round.

    After each answer there is a pause, in which servers tidy up and prepare for the next request.
    Whoever takes longer than slow seconds takes part in every slow_every-th round only.
    """
    runs = {c.name: _timed(c, script) for c in competitors}
    seconds = {name: [] for name in runs}
    usual = {}
    try:
        for number in range(-2, rounds):        # two that do not count
            order = list(runs)
            random.shuffle(order)
            for name in order:
                if number > 0 and usual[name] > slow and number % slow_every:
                    continue
                try:
                    took = runs[name][0]()
                except (WrongAnswer, OSError) as e:
                    on_failure(name, script.name, e)
                    del runs[name], seconds[name]
                    continue
                usual[name] = took if number < 0 else usual[name]
                if number >= 0:
                    seconds[name].append(took)
                time.sleep(pause)
    finally:
        for _, done in runs.values():
            done()
    return seconds


# ---- as fast as possible ---------------------------------------------------------------------------------------------

@dataclass
class Cell:
    """What one competitor did with one script over so many connections; rounds are added up."""

    requests: float = 0     # within the windows; one that crosses an edge counts with the part inside
    window: float = 0
    latencies: list = field(default_factory=list)
    finished: int = 0       # all requests, before and after the window too
    cpu: float = 0          # for all of them, until the server was quiet again; NaN: unknown

    def add(self, other):
        """Adds another round."""
        self.requests += other.requests
        self.window += other.window
        self.latencies += other.latencies
        self.finished += other.finished
        self.cpu += other.cpu

    @property
    def rate(self):
        """Requests per second."""
        return self.requests / self.window

    @property
    def cpu_ms(self):
        """CPU milliseconds of the server per request."""
        return 1000 * self.cpu / self.finished


def closed_loop(competitor, script, connections, warm_up, window):
    """One round of a Cell: each connection sends its next request as soon as its answer is there."""
    _settle(competitor)
    cpu = competitor.cpu_seconds()
    begin = time.perf_counter() + warm_up
    end = begin + window
    load = _processes if isinstance(competitor, Bare) else _requests
    spans = load(competitor, script, connections, end)
    _settle(competitor)
    inside = [(start, stop) for start, stop in spans if stop > begin and start < end]
    return Cell(
        requests=sum((min(stop, end) - max(start, begin)) / (stop - start) for start, stop in inside),
        window=window,
        latencies=[stop - start for start, stop in inside],
        finished=len(spans),
        cpu=competitor.cpu_seconds() - cpu if competitor.cpu_source else math.nan)


def _settle(competitor):
    """Waits until the server is quiet: children have ended, new ones are ready."""
    deadline = time.monotonic() + 2
    before = competitor.cpu_seconds()
    while time.monotonic() < deadline:
        time.sleep(0.05)
        now = competitor.cpu_seconds()
        if now - before < 0.002:
            return
        before = now


def _requests(service, script, count, end):
    """[(start, end)] of all requests over count connections, none started after the end."""
    request, spans = script.request(), []
    connections = [_Connection(service.port) for _ in range(count)]
    busy = {}               # descriptor -> (connection, when the request was sent)
    poll = select.epoll()

    def send(connection):
        now = time.perf_counter()
        if connection.send(request):
            poll.register(connection, select.EPOLLIN)
        busy[connection.fileno()] = connection, now

    try:
        for connection in connections:
            send(connection)
        while busy:
            ready = poll.poll(_TIMEOUT_SEC)
            if not ready:
                raise WrongAnswer(f"no answer within {_TIMEOUT_SEC} s")
            for descriptor, _ in ready:
                connection, start = busy[descriptor]
                answer = connection.receive()
                if answer is None:
                    continue
                now = time.perf_counter()
                spans.append((start, now))
                del busy[descriptor]
                if now < end:
                    send(connection)
                script.check_answer(*answer)
    finally:
        for connection in connections:
            connection.close()
        poll.close()
    return spans


def _processes(bare, script, count, end):
    """The same for the bare interpreter: count threads that start one after the other."""
    path, spans, failures = bare.program(script), [], []

    def work():
        try:
            while True:
                start, stop, status, printed = bare.run(path)
                _check_bare(script, status, printed)
                spans.append((start, stop))
                if stop >= end or failures:
                    return
        except Exception as e:      # told by the thread that waits for us
            failures.append(e)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return spans
