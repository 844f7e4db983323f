# SPDX-License-Identifier: MIT
"""GET /metrics and the log line of a request: what was sent is what was counted, whoever sends what."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import string
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import Client, converse, request_bytes
from harness.server import ROOT, Server, wait_until

SLEEP = "import time\ndef main():\n    time.sleep({})\n    return 'slept'"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
SAMPLE = re.compile(r'([a-z_:]+)(?:\{((?:[a-z_]+="[^"\\\n]*",?)*)\})? (\d+(?:\.\d+)?)')
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "other"}


def page(client):
    answer = client.get("/metrics")
    assert answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return answer.body.decode("ascii")


def series(text):
    """{(name, sorted labels): value} of a page; each family has its head, once, before its samples, which are together."""
    found, types, family = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            assert family not in types, f"{family} stands twice"
            types[family] = None
        elif line.startswith("# TYPE "):
            assert line.split()[2] == family and types[family] is None
            types[family] = line.split()[3]
        else:
            name, labels, value = SAMPLE.fullmatch(line).groups()
            suffixes = ("_bucket", "_sum", "_count") if types[family] == "histogram" else ("",)
            assert name in {family + suffix for suffix in suffixes}, f"{name} stands among {family}"
            key = (name, tuple(sorted(re.findall(r'([a-z_]+)="([^"]*)"', labels or ""))))
            assert key not in found, f"{key} stands twice"
            found[key] = float(value)
    return found


def value(found, name, **labels):
    """Of one series; 0 where there is none."""
    if not name.startswith("process_"):
        name = "safe_exec_" + name
    return found.get((name, tuple(sorted(labels.items()))), 0)


def total(found, name):
    return sum(v for (n, _), v in found.items() if n == "safe_exec_" + name)


def settled(client):
    """The series when all reports are in: each script that had a slot has used some processor time."""
    def counted():
        found = series(page(client))
        over = value(found, "execution_cpu_seconds_count") == total(found, "executions_total")
        return found if over and value(found, "executions_in_progress") == 0 else None
    return wait_until(counted, 10, "every execution is over and reported")


class Changes:
    """What the counters did since it was made: changes("executions_total", outcome="ok")."""

    def __init__(self, client):
        self.client, self.before, self.after = client, settled(client), None

    def __call__(self, name, **labels):
        return value(self.after, name, **labels) - value(self.before, name, **labels)

    def settle(self):
        self.after = settled(self.client)
        return self

    def labels(self, name, label):
        """{value of the label: change} of what changed."""
        changes = Counter()
        for (found, pairs), number in self.after.items():
            if found == "safe_exec_" + name:
                changes[dict(pairs)[label]] += number - self.before.get((found, pairs), 0)
        return {key: number for key, number in changes.items() if number}

    def requests(self):
        """{(route, method, status): change}, without what asks for the metrics."""
        changes = Counter()
        for (found, pairs), number in self.after.items():
            labels = dict(pairs)
            if found == "safe_exec_http_requests_total" and labels["route"] != "/metrics":
                changes[labels["route"], labels["method"], labels["status"]] = number - self.before.get((found, pairs), 0)
        return {key: number for key, number in changes.items() if number}


@pytest.fixture(scope="module")
def single():
    """A server with one slot and one place in its queue."""
    with Server({"MAX_CONCURRENCY": "1", "MAX_QUEUE": "1", "POOL_SIZE": "2", "TIME_LIMIT_SEC": "4",
                 "GOOGLE_CLOUD_PROJECT": "my-project"}) as server:
        yield server


@pytest.fixture
def single_client(single):
    return Client(single)


def running(client, queued=0):
    wait_until(lambda: client.health()["jobs"]["running"] == 1 and client.health()["jobs"]["queued"] == queued, 10, "it runs")


# -- the page ---------------------------------------------------------------------------------------------------------


def promtool():
    return shutil.which("promtool") or shutil.which("promtool", path=os.path.join(ROOT, "build"))


@pytest.mark.skipif(not promtool(), reason="promtool of Debian's package prometheus is not here: make build/promtool")
def test_promtool_has_nothing_to_say(single_client):
    single_client.result("def main(): return 1")
    single_client.get("/nothing")
    text = page(single_client)
    done = subprocess.run([promtool(), "check", "metrics"], input=text, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    spoilt = text.replace("safe_exec_clients_gone_total", "safe_exec_clientsGone")
    done = subprocess.run([promtool(), "check", "metrics"], input=spoilt, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0, "it finds nothing at all"


def test_histograms_add_up(single_client):
    single_client.result("def main(): return 1")
    found = settled(single_client)
    histograms = {}
    for (name, labels), number in found.items():
        if name.endswith("_bucket"):
            rest = tuple(pair for pair in labels if pair[0] != "le")
            histograms.setdefault((name[:-len("_bucket")], rest), []).append((float(dict(labels)["le"]), number))
    assert {name for name, _ in histograms} == {"safe_exec_" + name for name in (
        "http_request_duration_seconds", "execution_duration_seconds", "execution_cpu_seconds",
        "execution_peak_memory_bytes", "queue_wait_seconds")}
    for (name, rest), buckets in histograms.items():
        assert buckets == sorted(buckets) and [n for _, n in buckets] == sorted(n for _, n in buckets)
        assert buckets[-1] == (float("inf"), found[name + "_count", rest])
        low = sum(number * least for number, least in _parts(buckets, 0))
        high = sum(number * most for number, most in _parts(buckets, 1))
        assert low <= found[name + "_sum", rest] * 1.000001 <= high * 1.000002


def _parts(buckets, which):
    """(how many lie in a bucket, its least or most)."""
    before, least = 0, 0.0
    for most, number in buckets:
        yield number - before, (least, min(most, 1e15))[which] if number > before else 0
        before, least = number, most


def test_what_the_service_is(single, single_client):
    found, health = settled(single_client), single_client.health()
    assert value(found, "sandbox_level_info", level=health["isolation"]["level"]) == 1
    layers = {dict(labels)["layer"]: number for (name, labels), number in found.items() if name == "safe_exec_sandbox_layer"}
    assert layers == {name: float(status.startswith("ok")) for name, status in health["isolation"]["layers"].items()}
    assert value(found, "build_info", version=health["version"]) == 1
    assert (value(found, "slots"), value(found, "queue_limit")) == (1, 1)
    for tier, status in health.get("templates", {}).items():
        assert value(found, "template_up", tier=tier) == (status["state"] == "serving")
    assert value(found, "process_cpu_seconds_total") > 0
    started = value(found, "process_start_time_seconds")
    assert abs(started + health["uptime_seconds"] - time.time()) < 60
    with contextlib.ExitStack() as stack:
        before = value(series(page(single_client)), "connections")
        for _ in range(7):
            stack.enter_context(socket.create_connection(("127.0.0.1", single.port)))
        wait_until(lambda: value(series(page(single_client)), "connections") == before + 7, 5, "seven more are open")
    wait_until(lambda: value(series(page(single_client)), "connections") == before, 5, "they are closed")


def test_ready_children_are_counted(single, single_client):
    if single_client.health()["start"] != "warm":
        pytest.skip("no templates")
    for tier in ("bare", "full"):
        wait_until(lambda tier=tier: value(series(page(single_client)), "ready_children", tier=tier) == 2, 10, "two wait")
    assert len(single.waiting_pids()) == 4


def test_off():
    """There is no such path then, and nothing speaks of it."""
    with Server({"METRICS": "off", "START": "cold"}) as server:
        client = Client(server)
        answer = client.get("/metrics")
        assert (answer.status, answer.code) == (404, "NOT_FOUND")
        assert client.request("HEAD", "/metrics").status == 404
        for listed in (client.get("/routes").json()["routes"], client.get("/").json()["endpoints"]):
            paths = {route["path"] for route in listed}
            assert "/metrics" not in paths and "/health" in paths


# -- the numbers ------------------------------------------------------------------------------------------------------


def test_a_known_mix(single, single_client):
    """Every request and every script is in its place, once, and nothing else changed."""
    client, changes = single_client, Changes(single_client)
    scripts = [("def main(): return 1", "ok"), ("def main(): return 2", "ok"), ("def main(): return 1 / 0", "EXCEPTION"),
               ("def main(:", "SYNTAX_ERROR"), ("x = 1", "NO_MAIN"), ("def main(x): pass", "INVALID_MAIN"),
               ("import nothing_like_it\ndef main(): pass", "IMPORT_ERROR"), ("def main(): return {1}", "NON_JSON_RETURN"),
               ("import os\ndef main(): os._exit(3)", "EMPTY_OUTPUT"), ("import os\ndef main(): os.abort()", "CRASHED"),
               ("def main(): return 'x' * 2000000", "RESULT_TOO_LARGE"), (SLEEP.format(0.3), "ok")]
    for script, code in scripts:
        assert (client.execute(script).code or "ok") == code
    for body, code in ((b"{", "BAD_BODY"), (b'{"script": 1}', "BAD_SCRIPT"), (b'{"script": "x", "y": 1}', "BAD_INPUT")):
        assert client.post(body).code == code
    assert client.post(b"x", headers={"Content-Type": "text/plain"}).status == 415
    assert client.post(b"x" * 3000000).status == 413
    for method, path in (("GET", "/health"), ("HEAD", "/health"), ("PUT", "/health"), ("GET", "/no"), ("POST", "/no"),
                         ("GET", "/execute"), ("GET", "/docs?secret=1")):
        client.request(method, path)
    changes.settle()
    failed = sum(code != "ok" for _, code in scripts)
    assert changes.requests() == {
        ("/execute", "POST", "200"): 3, ("/execute", "POST", "400"): failed + 3, ("/execute", "POST", "415"): 1,
        ("/execute", "POST", "413"): 1, ("/execute", "GET", "405"): 1, ("/health", "GET", "200"): 1,
        ("/health", "HEAD", "200"): 1, ("/health", "PUT", "405"): 1, ("unknown", "GET", "404"): 1,
        ("unknown", "POST", "404"): 1, ("/docs", "GET", "200"): 1}
    durations = changes.labels("http_request_duration_seconds_count", "route")
    assert durations.pop("/metrics") and durations == {"/execute": len(scripts) + 6, "/health": 3, "unknown": 2,
                                                        "/docs": 1}
    assert changes.labels("executions_total", "outcome") == Counter(code for _, code in scripts)
    for histogram in ("execution_duration_seconds", "execution_cpu_seconds", "queue_wait_seconds"):
        assert changes(histogram + "_count") == len(scripts), histogram
    assert sum(changes.labels("executions_by_start_total", "start").values()) == len(scripts)
    assert changes("execution_duration_seconds_sum") >= 0.3          # the one that slept
    assert not changes.labels("rejections_total", "reason")
    assert not changes("clients_gone_total") and not changes("execution_retries_total")


def test_what_an_early_answer_used(single_client):
    """Time and memory are reported when the answer is long out; they count all the same."""
    changes = Changes(single_client)
    single_client.result("import time\ndef main():\n    block = b'x' * (40 << 20)\n    end = time.process_time() + 0.15\n"
                         "    while time.process_time() < end:\n        pass\n    return len(block)")
    changes.settle()
    assert changes("execution_cpu_seconds_count") == 1 and 0.15 <= changes("execution_cpu_seconds_sum") < 2
    assert changes("execution_cpu_seconds_bucket", le="0.1") == 0
    assert changes("execution_peak_memory_bytes_count") == 1
    assert changes("execution_peak_memory_bytes_sum") > 40 << 20
    assert changes("execution_peak_memory_bytes_bucket", le="33554432") == 0
    assert changes("execution_peak_memory_bytes_bucket", le="268435456") == 1


def test_full_queue(single, single_client):
    """One runs, one waits, two are refused; the page is served meanwhile."""
    changes = Changes(single_client)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(Client(single).result, SLEEP.format(0.8))
        running(single_client)
        second = pool.submit(Client(single).result, "def main(): return 2")
        running(single_client, queued=1)
        for _ in range(2):
            assert single_client.execute("def main(): return 3").code == "OVERLOADED"
        found = series(page(single_client))
        assert (value(found, "executions_in_progress"), value(found, "executions_queued")) == (1, 1)
        assert (first.result(), second.result()) == ("slept", 2)
    changes.settle()
    assert changes.labels("rejections_total", "reason") == {"queue_full": 2}
    assert changes.labels("executions_total", "outcome") == {"ok": 2}
    assert changes("queue_wait_seconds_count") == 2 and changes("queue_wait_seconds_bucket", le="0.05") == 1
    assert (changes.requests()["/execute", "POST", "200"], changes.requests()["/execute", "POST", "503"]) == (2, 2)


@pytest.mark.skipif(not os.environ.get("SAFE_EXEC_TEST_ALL"), reason="takes the 30 s that the queue waits")
def test_waited_too_long():
    with Server({"MAX_CONCURRENCY": "1", "TIME_LIMIT_SEC": "60", "START": "cold"}) as server, ThreadPoolExecutor(2) as pool:
        client = Client(server)
        changes, first = Changes(client), pool.submit(Client(server).result, SLEEP.format(33))
        running(client)
        assert client.execute("def main(): return 1").code == "OVERLOADED"
        assert first.result() == "slept"
        changes.settle()
        assert changes.labels("rejections_total", "reason") == {"queue_timeout": 1}
        assert changes.labels("executions_total", "outcome") == {"ok": 1} and changes("queue_wait_seconds_count") == 1


def test_too_many_bodies(single, single_client):
    """Clients that hold large bodies back leave no room for another large one, and one is refused for it."""
    changes = Changes(single_client)
    head = b"POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1228800\r\n\r\n"
    large, clients = "#" * 100000 + "\ndef main(): return 1", []

    def send(data):
        for client in clients:
            with contextlib.suppress(OSError):                           # refused already
                client.sendall(data)

    def is_refused():
        send(b"x")                                                       # or they were stalled after a while
        return single_client.execute(large).code == "OVERLOADED"

    with contextlib.ExitStack() as stack:
        clients += [stack.enter_context(socket.create_connection(("127.0.0.1", single.port), timeout=5)) for _ in range(40)]
        send(head + b"x" * 1100000)
        wait_until(is_refused, 12, "what was sent has come in")
        assert single_client.result("def main(): return 1") == 1
    changes.settle()
    assert changes.labels("rejections_total", "reason") == {"bodies": 1}
    assert not changes("clients_gone_total")


def test_clients_that_leave(single, single_client):
    """One whose script ran, one whose script waited: both are gone, and only one of them used a slot."""
    changes = Changes(single_client)
    with socket.create_connection(("127.0.0.1", single.port)) as runs:
        runs.sendall(request_bytes(SLEEP.format(60)))
        running(single_client)
        with socket.create_connection(("127.0.0.1", single.port)) as waits:
            waits.sendall(request_bytes(SLEEP.format(60)))
            running(single_client, queued=1)
    wait_until(lambda: value(series(page(single_client)), "clients_gone_total") == value(changes.before, "clients_gone_total") + 2,
               5, "both are gone")
    changes.settle()
    assert changes.labels("executions_total", "outcome") == {"client_gone": 1}
    assert changes("execution_duration_seconds_count") == 0 and changes("queue_wait_seconds_count") == 1
    assert changes.requests()["/execute", "POST", "none"] == 2
    assert value(changes.after, "executions_queued") == 0


def test_killed_templates_and_children(single, single_client):
    """A template that dies is counted, and so is a script whose process died before it had read it."""
    client = single_client
    if client.health()["start"] != "warm":
        pytest.skip("no templates")
    wait_until(lambda: len(single.waiting_pids()) == 4, 10, "all wait")
    changes, waiting = Changes(client), single.waiting_pids()
    for pid in waiting:
        os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(Client(single).result, "def main(): return 'again'")
        running(client)
        for pid in waiting:
            os.kill(pid, signal.SIGKILL)
        assert job.result() == "again"
    changes.settle()
    assert changes("execution_retries_total") == 1
    assert changes.labels("executions_total", "outcome") == {"ok": 1}
    assert changes.labels("executions_by_start_total", "start") == {"cold": 1}
    changes = Changes(client)
    os.kill(single.template_pids()[0], signal.SIGKILL)
    wait_until(lambda: value(series(page(client)), "template_restarts_total", tier="bare")
               == value(changes.before, "template_restarts_total", tier="bare") + 1, 10, "its end is counted")
    for n in range(3):
        assert client.result(f"def main(): return {n}") == n
    wait_until(lambda: value(series(page(client)), "template_up", tier="bare") == 1, 20, "it serves again")
    changes.settle()
    assert changes.labels("executions_total", "outcome") == {"ok": 3}
    assert sum(changes.labels("executions_by_start_total", "start").values()) == 3
    assert changes.labels("template_restarts_total", "tier") == {"bare": 1}


# -- whoever sends what -----------------------------------------------------------------------------------------------


def strangers(count):
    """Requests with methods and paths that nobody knows, and some that everybody does."""
    rng = random.Random(20)
    methods = [*sorted(METHODS - {"other", "CONNECT"}), "PROPFIND", "get", "X", "a" * 14]
    pieces = [*string.ascii_letters, *string.digits, *"/._-=,'", "%22", "%5C", "%7B", "%7D", "%0A", "%20", "%C3%A9", "%FF"]
    for n in range(count):
        method = rng.choice(methods) if rng.random() < 0.7 else "".join(rng.choices(string.ascii_uppercase, k=7))
        path = "/nobodys/" + "".join(rng.choices(pieces, k=rng.randrange(1, 60)))
        if n % 5 == 0:
            path = rng.choice(["/health", "/execute", "/metrics", "/docs"]) + f"?{n}"
        yield method, path


def test_strangers_make_no_new_series(single, single_client):
    """500 requests, each with a path of its own: one more value of each label, and all of them are counted."""
    changes, requests = Changes(single_client), list(strangers(500))
    for method, path in requests:
        with socket.create_connection(("127.0.0.1", single.port), timeout=10) as sock:
            sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            with sock.makefile("rb") as answer:
                assert answer.read().startswith(b"HTTP/1.1 "), (method, path)
    changes.settle()
    found = [dict(labels) for (name, labels) in changes.after if name == "safe_exec_http_requests_total"]
    routes = {route["path"] for route in single_client.get("/routes").json()["routes"]}
    assert {labels["route"] for labels in found} <= routes | {"unknown"}
    assert {labels["method"] for labels in found} <= METHODS
    assert {labels["status"] for labels in found} <= {"200", "400", "404", "405", "413", "415", "500", "503", "none", "other"}
    unknown = sum(number for (route, _, _), number in changes.requests().items() if route == "unknown")
    assert unknown == sum("?" not in path for _, path in requests) > 300
    assert len(changes.after) < 450


# -- the log ----------------------------------------------------------------------------------------------------------


def line_of(server, request_id):
    """The one line of the request with this id."""
    lines = wait_until(lambda: [r for r in server.log_records() if r.get("request_id") == request_id], 5, "its line is there")
    assert len(lines) == 1
    return lines[0]


def test_line_of_a_script(single, single_client):
    """The names of Cloud Logging; time and memory, too, although the answer went out before they were known."""
    body = json.dumps({"script": "import time\ndef main():\n    end = time.process_time() + 0.1\n"
                                 "    while time.process_time() < end:\n        pass\n    return 42"}).encode()
    answer = single_client.post(body, headers={"Content-Type": "application/json", "X-Request-Id": "line-1",
                                               "traceparent": PARENT})
    line = line_of(single, "line-1")
    request = line.pop("httpRequest")
    assert re.fullmatch(r"\d+\.\d{6}s", request["latency"]) and 0.1 <= float(request.pop("latency")[:-1]) < 60
    assert request == {"requestMethod": "POST", "requestUrl": "/execute", "status": 200, "requestSize": len(body),
                       "responseSize": len(answer.body), "protocol": "HTTP/1.1"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("time"))
    assert line.pop("run_us") >= 100000 and line.pop("queue_us") < 60000000
    assert line.pop("cpu_us") >= 50000 and line.pop("peak_bytes") > 1 << 20
    assert line.pop("start") in ("waiting", "forked", "cold")
    assert line == {"severity": "INFO", "message": "request", "process": "web", "request_id": "line-1", "code": "OK",
                    "logging.googleapis.com/trace": f"projects/my-project/traces/{TRACE}",
                    "logging.googleapis.com/spanId": SPAN, "logging.googleapis.com/trace_sampled": True}


def test_lines_of_other_requests(single, single_client):
    single_client.request("HEAD", "/health?key=1", headers={"X-Request-Id": "line-2"})
    line = line_of(single, "line-2")
    assert line["httpRequest"]["requestUrl"] == "/health" and line["httpRequest"]["responseSize"] == 0
    assert not {"code", "cpu_us", "run_us", "start", "trace_id"} & set(line) and not any("google" in name for name in line)
    converse(single, b"BREW /canary-pot HTTP/1.0\r\nHost: x\r\nX-Request-Id: line-3\r\n\r\n", method="BREW", path="/canary-pot",
             answers=1)
    line = line_of(single, "line-3")
    assert {name: line["httpRequest"][name] for name in ("requestMethod", "requestUrl", "status", "protocol")} == {
        "requestMethod": "other", "requestUrl": "(unknown)", "status": 404, "protocol": "HTTP/1.0"}
    assert line["code"] == "NOT_FOUND"


@pytest.mark.parametrize("headers, trace, span, sampled", (
    ({"traceparent": PARENT, "X-Cloud-Trace-Context": f"{'a' * 32}/1;o=1"}, TRACE, SPAN, True),
    ({"traceparent": f"00-{'0' * 32}-{SPAN}-01", "X-Cloud-Trace-Context": f"{'a' * 32}/255;o=0"}, "a" * 32, "00000000000000ff", False),
    ({"X-Cloud-Trace-Context": "a" * 32}, "a" * 32, None, False),
    ({"traceparent": PARENT.upper()}, None, None, None),
    ({"traceparent": PARENT[:-2] + '"}'}, None, None, None),
    ({"X-Cloud-Trace-Context": f"{'a' * 32}/99999999999999999999"}, None, None, None)),
    ids=("both", "zero", "bare", "upper case", "forged", "span too large"))
def test_traces(headers, trace, span, sampled, server, client, request):
    """Without a project; what is not valid is not there at all, in no form."""
    name = "trace-" + re.sub(r"\W", "-", request.node.callspec.id)
    assert client.get("/health", **{"X-Request-Id": name, **headers}).status == 200
    line = line_of(server, name)
    assert line.get("trace_id") == trace
    assert line.get("logging.googleapis.com/spanId") == span
    assert line.get("logging.googleapis.com/trace_sampled") is sampled
    assert "logging.googleapis.com/trace" not in line


def test_a_project_that_is_none_and_the_end():
    """
    It could end a string of the log: it is not used, and one line says so. A connection that is open when the service
    stops hears 503 for a new script, and it is counted.
    """
    with Server({"GOOGLE_CLOUD_PROJECT": 'x","severity":"ERROR', "START": "cold"}) as server, ThreadPoolExecutor(1) as pool, \
            socket.create_connection(("127.0.0.1", server.port), timeout=10) as kept:
        client = Client(server)
        client.get("/health", **{"X-Request-Id": "line-4", "traceparent": PARENT})
        assert line_of(server, "line-4")["trace_id"] == TRACE
        warnings = [record["message"] for record in server.log_records() if record["severity"] != "INFO"]
        assert len(warnings) == 1 and "GOOGLE_CLOUD_PROJECT" in warnings[0]
        job = pool.submit(Client(server).result, SLEEP.format(1.5))
        running(client)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: client.get("/ready").status == 503, 5, "it drains")
        assert client.post(b'{"script": "x = 1"}', {"Content-Type": "application/json"}).code == "OVERLOADED"
        kept.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with kept.makefile("rb") as answer:
            assert b'\nsafe_exec_rejections_total{reason="draining"} 1\n' in answer.read()
        assert job.result() == "slept"
        assert server.process.wait(10) == 0


def test_no_line_holds_what_is_secret(single, single_client):
    """Neither what scripts say nor what stands in a request's headers and URL, valid or not."""
    single_client.execute("# canary-source\ndef main():\n    print('canary-stdout')\n    return 'canary-result'")
    single_client.execute("def main():\n    raise ValueError('canary-error')")
    secrets = {"Authorization": "Bearer canary-token", "Cookie": "canary-cookie", "User-Agent": "canary-agent",
               "X-Forwarded-For": "canary-address", "traceparent": "canary-parent", "tracestate": "canary-state",
               "X-Cloud-Trace-Context": "canary-cloud", "Referer": "canary-referer"}
    single_client.get("/health?key=canary-query", **secrets, **{"X-Request-Id": "line-5"})
    single_client.get("/canary-path?canary-query2", **secrets)
    line_of(single, "line-5")
    settled(single_client)
    assert "canary" not in single.log()
