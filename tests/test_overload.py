# SPDX-License-Identifier: MIT
"""More than the service can do, from clients that want all of it: another client still gets its share.

Clients are addresses of the loopback network. tests/load/overload.py does the same at length, and with figures.
"""

import contextlib
import json
import os
import select
import signal
import socket
import time

import pytest

from harness.bound import resident_kib, web_bound_kib
from harness.client import Client, converse, read_answer, request_bytes
from harness.looks import sanitized
from harness.server import ROOT, Server, wait_until

pytestmark = pytest.mark.skipif(Server.contained, reason="a container sees one client: its engine")

FLOOD, HONEST = "127.0.0.2", "127.0.0.3"
SLEEP = "import time\ndef main():\n    time.sleep({})\n    return 'slept'"
ONE = "def main(): return 'one'"
HEAD = b"POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
# One server for most of it; without numpy it starts sooner.
SETTINGS = {"MAX_CONCURRENCY": "1", "MAX_QUEUE": "16", "TIME_LIMIT_SEC": "10", "MAX_CONNECTIONS": "128",
            "MAX_STDOUT_BYTES": "1000000", "WARM_IMPORTS": ""}


def connect(server, address, timeout=10):
    return socket.create_connection(("127.0.0.1", server.port), timeout=timeout, source_address=(address, 0))


@contextlib.contextmanager
def connections(server, address, count, sent):
    """So many of them, each of which has sent that; those that are refused are None."""
    made = []
    try:
        for _ in range(count):
            try:
                made.append(connect(server, address))
                made[-1].sendall(sent)
            except OSError:
                pass
        yield made
    finally:
        for connection in made:
            connection.close()


class Answers:
    """What comes back on many connections, as far as it has come."""

    def __init__(self, sockets):
        self._texts = {sock: b"" for sock in sockets}
        self.all = []                              # in the order in which they came

    def take(self):
        """Reads what is there; returns how many answers have come with 200 and with 503."""
        for sock in select.select(list(self._texts), [], [], 0)[0]:
            with contextlib.suppress(ConnectionError):
                data = sock.recv(65536)
                self._texts[sock] += data
            answer, _ = read_answer(self._texts[sock])
            if answer or not data:
                del self._texts[sock]
            if answer:
                self.all.append(answer)
        return tuple(sum(answer.status == status for answer in self.all) for status in (200, 503))


def ask(server, address, script=ONE, extra=(), timeout=10):
    """One request on a connection of its own: its answer."""
    with connect(server, address, timeout) as sock:
        sock.sendall(request_bytes(script, extra=extra))
        return read_answer(b"".join(iter(lambda: sock.recv(65536), b"")))[0]


def test_a_flood_does_not_hold_up_another(fleet):
    """80 requests of one client for one slot and 16 places: another's only request is next but one."""
    server = fleet.server(SETTINGS)
    with connections(server, FLOOD, 1, request_bytes(SLEEP.format(2.5))) as blocker:
        wait_until(lambda: Client(server).health()["jobs"]["running"] == 1, 5, "the slot is taken")
        with connections(server, FLOOD, 80, request_bytes(SLEEP.format(0.1))) as flood:
            answers = Answers(flood + blocker)
            wait_until(lambda: answers.take() == (0, 64), 5, "those for whom there is no room hear so while the first job runs")
            assert all(int(a.header("Retry-After")) >= 1 and a.code == "OVERLOADED" for a in answers.all)
            with connections(server, HONEST, 1, request_bytes(ONE)) as honest:
                wait_until(lambda: answers.take() == (0, 65), 2, "one of the flood makes room at once")
                honest[0].settimeout(10)
                honest[0].recv(1, socket.MSG_PEEK)
                served, _ = answers.take()
                assert read_answer(honest[0].recv(65536))[0].result == "one"
            assert 1 <= served <= 3, f"{served} of the flood were served before"
    wait_until(lambda: Client(server).health()["jobs"]["running"] == 0, 5, "all are gone")


def test_a_body_for_which_there_is_no_room_is_not_parsed(fleet):
    """Whoever has the full queue hears that it is full, whatever was sent; another client hears what is wrong with it."""
    server, client = fleet.server(SETTINGS), Client(fleet.server(SETTINGS))
    bad = HEAD + b"Connection: close\r\nContent-Length: 4\r\n\r\nnope"

    def code(address):
        with connect(server, address) as sock:
            sock.sendall(bad)
            return read_answer(b"".join(iter(lambda: sock.recv(65536), b"")))[0].code

    with connections(server, FLOOD, 17, request_bytes(SLEEP.format(5))):
        wait_until(lambda: client.health()["jobs"]["queued"] == 16, 5, "the queue is full")
        assert (code(FLOOD), code(HONEST)) == ("OVERLOADED", "BAD_BODY")
        assert client.health()["jobs"]["queued"] == 16, "nothing was turned away for it"
    wait_until(lambda: client.health()["jobs"]["running"] == 0, 5, "all are gone")
    assert code(FLOOD) == "BAD_BODY"


def test_two_floods_share_the_queue(fleet):
    """Who comes second, to a queue that is full, gets half of it; and each client's requests stay in their order."""
    server, client = fleet.server(SETTINGS), Client(fleet.server(SETTINGS))
    names = {FLOOD: "a", HONEST: "b"}
    with connections(server, FLOOD, 1, request_bytes(SLEEP.format(1.5))) as blocker:
        wait_until(lambda: client.health()["jobs"]["running"] == 1, 5, "the slot is taken")
        with contextlib.ExitStack() as stack:
            sockets = []
            for address, name in names.items():
                for n in range(20):
                    sockets += stack.enter_context(connections(server, address, 1, request_bytes(
                        f"import time\ndef main():\n    time.sleep(0.03)\n    return '{name}{n}'")))
            answers = Answers(sockets + blocker)
            wait_until(lambda: answers.take()[0] == 17, 10, "what was in the queue is served")
            served = [answer.result for answer in answers.all if answer.status == 200][1:]
    assert sum(name[0] == "b" for name in served) == 8, served
    for name in names.values():
        mine = [int(text[1:]) for text in served if text[0] == name]
        assert mine == sorted(mine), served
        assert all(abs(sum(text[0] == name for text in served[:2 * n]) - n) <= 1 for n in range(1, 8)), served


def test_clients_by_header(fleet):
    """Behind a proxy the last element of its header is the client; what the client itself put in front of it is not."""
    server = fleet.server({**SETTINGS, "CLIENT_ADDRESS_HEADER": "X-Forwarded-For", "MAX_PER_CLIENT": "2"})
    slow = request_bytes(SLEEP.format(3), extra=["X-Forwarded-For: 2001:db8::1"])
    with connections(server, FLOOD, 2, slow):
        wait_until(lambda: Client(server).health()["jobs"] == {"running": 1, "queued": 1, "slots": 1, "queue_limit": 16},
                   5, "one runs, one waits")
        for name in ("2001:db8::2", "192.0.2.7, 2001:db8::1", "192.0.2.7,[2001:db8::1]:4711"):
            answer = ask(server, HONEST, extra=[f"X-Forwarded-For: {name}"], timeout=2)
            assert (answer.code, answer.header("Retry-After")) == ("OVERLOADED", "1"), name
        with connections(server, FLOOD, 1, request_bytes(ONE, extra=["X-Forwarded-For: 2001:db8::1, 2001:db8:1::1"])):
            wait_until(lambda: Client(server).health()["jobs"]["queued"] == 2, 5, "another network is another client")
    wait_until(lambda: Client(server).health()["jobs"]["running"] == 0, 5, "all are gone")


IDLE = {"silent": b"", "headers": b"POST /execute HTTP/1.1\r\nHost: a\r\nX-Slow: ", "body": HEAD + b"Content-Length: 99\r\n\r\n{"}


@pytest.mark.parametrize("kind", IDLE)
def test_connections_of_one_client_leave_room(kind, fleet):
    """A client may have three quarters of all connections; another gets in at once, not when the first have timed out."""
    server = fleet.server(SETTINGS)
    wait_until(lambda: ask(server, HONEST), 5, "the connections of the test before are closed")
    with connections(server, FLOOD, 150, IDLE[kind]) as idle:
        assert ask(server, HONEST, timeout=4).result == "one"
        time.sleep(0.1)
        for sock in idle:
            sock.setblocking(False)
        held = sum(_is_open(sock) for sock in idle)
        assert 80 <= held <= 96, held


def test_connections_beyond_all_wait_for_a_place(fleet):
    """Where all places are taken, by many clients, the next one waits in the kernel's queue until somebody leaves."""
    server = fleet.server(SETTINGS)
    wait_until(lambda: ask(server, HONEST), 5, "the connections of the test before are closed")
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(connections(server, f"127.0.1.{n}", 1, b""))[0] for n in range(128)]
        time.sleep(0.1)
        for sock in taken:
            sock.setblocking(False)
        assert all(_is_open(sock) for sock in taken)
        late = stack.enter_context(connections(server, HONEST, 1, request_bytes(ONE)))[0]
        assert not select.select([late], [], [], 1)[0], "answered or closed, although all places are taken"
        taken[0].close()
        answer, _ = read_answer(b"".join(iter(lambda: late.recv(65536), b"")))
        assert answer.result == "one"


def _is_open(sock):
    try:
        return sock.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def test_bodies_of_one_client_leave_room(fleet):
    """Large bodies that one client does not finish take three quarters of their room; another sends one, and memory holds."""
    server = fleet.server(SETTINGS)
    unfinished = HEAD + b"Content-Length: 1228800\r\n\r\n" + b"x" * 1_060_000           # takes 2 MiB
    large = json.dumps({"script": ONE + "\n" + "#" * 200_000}).encode().replace(b"#", b"\\u0023")
    with connections(server, FLOOD, 36, unfinished):
        _wait_until_read(server)
        data = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(large) + large
        with connect(server, HONEST) as sock:
            sock.sendall(data)
            answer, _ = read_answer(b"".join(iter(lambda: sock.recv(65536), b"")))
        assert answer.status == 200, answer
        held = resident_kib(server.web_pid())
        assert held > 20_000, "nothing was kept"
        bound = web_bound_kib(SETTINGS, 1)
        assert held < bound or sanitized(), f"web has {held} KiB, the bound is {bound}"


def _wait_until_read(server):
    """Until what was sent is in web and no longer in the kernel: its memory does not change for half a second."""
    looks = []

    def unchanged():
        looks.append(resident_kib(server.web_pid()))
        return len(looks) > 10 and len(set(looks[-10:])) == 1
    wait_until(unchanged, 10, "web has read what was sent", interval=0.05)


def test_large_bodies_that_come_at_once_are_all_read(fleet):
    """They are parsed one in a round: each has its own answer, whether or not the client before it has left by then."""
    server = fleet.server(SETTINGS)
    web = server.web_pid()
    with contextlib.ExitStack() as stack:
        os.kill(web, signal.SIGSTOP)        # so that all are complete in the same round
        stack.callback(os.kill, web, signal.SIGCONT)
        sockets = [stack.enter_context(connect(server, address)) for address in (FLOOD, HONEST) for _ in range(8)]
        for number, sock in enumerate(sockets):
            sock.sendall(request_bytes(f"# {'large' * 10000}\ndef main(): return {number}"))
        for sock in sockets[1::4]:
            sock.close()
        os.kill(web, signal.SIGCONT)
        for number, sock in enumerate(sockets):
            if number % 4 != 1:
                assert read_answer(b"".join(iter(lambda: sock.recv(65536), b"")))[0].result == number
    assert server.web_pid() == web


def test_large_bodies_do_not_wait_for_something_to_happen(fleet):
    """Their turns follow each other also where nothing else wakes the loop: no job that ends, no other request."""
    server, client = fleet.server(SETTINGS), Client(fleet.server(SETTINGS))
    web = server.web_pid()
    with contextlib.ExitStack() as stack:
        stack.enter_context(connections(server, HONEST, 1, request_bytes(SLEEP.format(8))))
        wait_until(lambda: client.health()["jobs"]["running"] == 1, 5, "the slot is taken")
        os.kill(web, signal.SIGSTOP)
        stack.callback(os.kill, web, signal.SIGCONT)
        for sock in [stack.enter_context(connect(server, FLOOD)) for _ in range(16)]:
            sock.sendall(request_bytes("#" * 50_000 + "\n" + ONE))
        os.kill(web, signal.SIGCONT)
        time.sleep(3)                   # and no look at it meanwhile
        assert client.health()["jobs"]["queued"] == 16


def _own_frame():
    """A script that writes its own result, and goes on until its time is over."""
    with open(os.path.join(ROOT, "tests", "cases", "forge-nonce-own-result", "script.py"), encoding="utf-8") as file:
        nonce = file.read().partition("def main():")[0]
    return nonce + ("def main():\n    os.write(1, b'\\1' * 1000000)\n"
                    "    os.write(3, nonce() + b'R' + (3).to_bytes(8, 'little') + b'\"x\"')\n"
                    "    os.close(3)\n    while True:\n        pass\n")


def test_what_goes_on_after_its_answer_is_ended(fleet):
    """A script that has answered does not count as running; that its client does not read the answer gives it no time."""
    server = fleet.server(SETTINGS)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.bind((FLOOD, 0))
        sock.connect(("127.0.0.1", server.port))
        sock.settimeout(10)
        sock.sendall(request_bytes(_own_frame()))
        assert sock.recv(1, socket.MSG_PEEK) == b"H"            # 6 MB: more than the kernel takes
        assert server.job_pids(), "it goes on"
        wait_until(lambda: not server.job_pids(), 3, "it is ended long before its 10 s are over")


def test_a_small_request_comes_between_large_bodies(fleet):
    """All are complete at the same time, the small one as the last; it is answered before most of the others."""
    server = fleet.server(SETTINGS)
    web = server.web_pid()

    def blank(size, name):              # an error: answered in the round in which it is parsed
        body = b'{"script": "' + b" " * size + b'"}'
        return HEAD + b"X-Request-Id: %s\r\nContent-Length: %d\r\n\r\n" % (name, len(body)) + body

    def answered():
        names = [record.get("request_id", "") for record in server.log_records()]
        return [name for name in names if name.startswith("turn-")]

    with contextlib.ExitStack() as stack:
        os.kill(web, signal.SIGSTOP)
        stack.callback(os.kill, web, signal.SIGCONT)
        sockets = [stack.enter_context(connect(server, FLOOD)) for _ in range(17)]
        for sock in sockets[:16]:
            sock.sendall(blank(33000, b"turn-large"))       # more than SMALL_BODY_BYTES, in as many pieces
        sockets[16].sendall(blank(32000, b"turn-small"))
        os.kill(web, signal.SIGCONT)
        wait_until(lambda: len(answered()) == 17, 10, "all are answered")
    order = answered()
    assert order.index("turn-small") < 8, order


def test_answers_that_nobody_reads_are_bounded(fleet):
    """Large answers to one client that does not read them are given up; another's comes whole."""
    server = fleet.server(SETTINGS)
    large = "import os\ndef main():\n    os.write(1, b'\\1' * 1000000)"          # each byte becomes \\u0001
    with contextlib.ExitStack() as stack:
        for _ in range(16):
            sock = socket.socket()
            stack.callback(sock.close)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.bind((FLOOD, 0))
            sock.connect(("127.0.0.1", server.port))
            sock.sendall(request_bytes(large, extra=["X-Request-Id: unread"]))
        wait_until(lambda: sum(r.get("request_id") == "unread" for r in server.log_records()) >= 3, 20, "answers are given up")
        assert len(ask(server, HONEST, large, timeout=20).stdout) == 1000000
        held = resident_kib(server.web_pid(), "VmHWM")
    assert held < 120_000 or sanitized(), f"{held} KiB"
