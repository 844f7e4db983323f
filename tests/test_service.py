# SPDX-License-Identifier: MIT
"""The service around the scripts: routes, settings, queue, end, and what happens when a process dies."""

import contextlib
import glob
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import contract
from harness.client import Client, converse, request_bytes
from harness.server import (ROOT, SETTINGS, Server, StartFailed, alive, answers_ready, as_user, base_env, binary, descendants,
                            free_port, run_once, wait_until)

SLEEP = "import time\ndef main():\n    print('started', flush=True)\n    time.sleep({})\n    return 'slept'"
GET_ROUTES = ("/", "/docs", "/health", "/healthz", "/metrics", "/openapi.json", "/ready", "/routes")


def running(client, count=1):
    wait_until(lambda: client.health()["jobs"]["running"] == count, 10, f"{count} jobs run")


# -- routes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", GET_ROUTES)
@pytest.mark.parametrize("method", ("GET", "HEAD"))
def test_get_routes(method, path, client):
    answer = client.request(method, path)
    assert answer.status == 200
    assert bool(answer.body) == (method == "GET")
    assert int(answer.header("Content-Length")) > 0


@pytest.mark.parametrize("path", GET_ROUTES)
@pytest.mark.parametrize("method", ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
def test_wrong_method(method, path, client):
    answer = client.request(method, path)
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert {m.strip() for m in answer.header("Allow").split(",")} == {"GET", "HEAD"}


@pytest.mark.parametrize("method", ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"))
def test_execute_is_post_only(method, client):
    answer = client.request(method, "/execute")
    assert (answer.status, answer.code, answer.header("Allow")) == (405, "METHOD_NOT_ALLOWED", "POST")


@pytest.mark.parametrize("path", ("/nothing", "/execute/", "/Execute", "/health/x", "/docs/nothing.js", "/docs/../health",
                                  "/docs/..%2f..%2fetc/passwd", "/.git/config", "/index.html", "/favicon.icox", "/%2e%2e/", "/%00",
                                  "/execute%00", "/health%00/x?y"))
@pytest.mark.parametrize("method", ("GET", "POST"))
def test_unknown_path(method, path, server):
    data = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode()
    answer = converse(server, data, method=method, path=path.partition("?")[0], answers=1).answers[0]
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_query_is_ignored_by_routes(client):
    assert client.get("/health?probe=1&x=%00").status == 200


def test_routes_are_the_documented_ones(client):
    served = {(r["method"], r["path"]) for r in client.get("/routes").json()["routes"]}
    documented = {(method.upper(), path) for path, item in contract.openapi()["paths"].items()
                  for method in item if method in ("get", "post")}
    assert documented <= served
    listed = {(r["method"], r["path"]) for r in client.get("/", Accept="application/json").json()["endpoints"]}
    assert listed <= served
    for method, path in served:
        if method == "GET":
            assert client.get(path).status == 200, path


def test_openapi_is_the_file(client):
    """/openapi.json is the document of the source tree with the version filled in."""
    version = client.health()["version"]
    wanted = json.loads(json.dumps(contract.openapi()).replace("@VERSION@", version))
    assert client.get("/openapi.json").json() == wanted
    assert re.match(r"\d+\.\d+\.\d+", version)


def test_documented_codes_are_the_table():
    codes = contract.openapi()["components"]["schemas"]["ErrorCode"]["enum"]
    assert set(codes) == set(contract.STATUS_OF)


@pytest.mark.parametrize("accept, html", (
    (None, False), ("*/*", False), ("application/json", False), ("text/html", True),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True)))
def test_root_by_accept(accept, html, client):
    answer = client.request("GET", "/", headers={"Accept": accept} if accept else {})
    assert answer.header("Content-Type").startswith("text/html" if html else "application/json")
    assert "accept" in answer.header("Vary").lower()


CSP = ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'")


@pytest.mark.parametrize("path", ("/", "/docs"))
def test_pages_and_their_assets(path, client):
    """Pages carry a strict policy, and everything they name is here and nowhere else."""
    page = client.request("GET", path, headers={"Accept": "text/html"})
    policy = page.header("Content-Security-Policy")
    assert all(part in policy for part in CSP) and "unsafe" not in policy and "http" not in policy
    text = page.body.decode("utf-8")
    assets = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"', text)
    assert assets
    assert not re.search(r"<script>|<style|\son\w+=", text)
    for asset in assets:
        if asset.startswith("data:"):
            continue
        assert asset.startswith("/") and not asset.startswith("//")
        answer = client.get(asset, Accept_Encoding="gzip")
        assert answer.status == 200 and answer.body, asset
        kind = {"js": "javascript", "css": "css"}.get(asset.rpartition(".")[2])
        assert kind is None or kind in answer.header("Content-Type"), asset
        if answer.header("Content-Encoding") == "gzip":
            assert answer.body[:2] == b"\x1f\x8b"


def test_asset_without_gzip(client):
    """A client that cannot unpack gets the asset as it is, or hears what is missing."""
    answer = client.request("GET", "/docs/swagger-ui.css", headers={"Accept-Encoding": "identity"})
    assert not answer.header("Content-Encoding")
    if answer.status == 200:
        assert b"swagger" in answer.body
    else:
        assert answer.code == "NOT_FOUND" and "gzip" in answer.json()["error"]["message"]


# -- what the service says about itself -------------------------------------------------------------------


def test_health_is_truthful(server, client):
    health = client.health()
    assert health["ok"] is True and health["status"] == "healthy"
    assert health["jobs"] == {"running": 0, "queued": 0, "slots": 2, "queue_limit": 64}
    assert health["start"] == os.environ.get("SAFE_EXEC_TEST_START", "warm")
    assert health["isolation"]["level"] in ("strong", "standard")
    assert health["isolation"]["layers"]
    later = client.health()["uptime_seconds"]
    assert health["uptime_seconds"] <= later < 3600
    assert client.get("/healthz").json()["isolation"] == health["isolation"]
    assert server.web_pid(), server.children()


def test_health_counts_jobs(server, client):
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(Client(server).execute, SLEEP.format(1)) for _ in range(3)]
        wait_until(lambda: client.health()["jobs"]["running"] == 2 and client.health()["jobs"]["queued"] == 1,
                   5, "two run, one waits")
        assert all(f.result().result == "slept" for f in futures)
    running(client, 0)


def test_isolation_matches_health(client):
    """The layers that /health names are in force inside."""
    level = client.health()["isolation"]["level"]
    status = client.result(
        "def main():\n"
        "    with open('/proc/self/status') as f:\n"
        "        return {name: value.strip() for name, _, value in (line.partition(':') for line in f)}\n")
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert all(int(status[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
    if level == "strong":
        assert int(status["Pid"]) < 10, "a pid namespace of its own"


def test_root_tells_limits(fleet):
    settings = {"TIME_LIMIT_SEC": "2.5", "MAX_STDOUT_BYTES": "1000", "MAX_QUEUE": "3", "NPROC_LIMIT": "40"}
    info = fleet.client(settings).get("/", Accept="application/json").json()
    limits = info["limits"]
    assert (limits["time_seconds"], limits["stdout_bytes"], limits["queue"], limits["processes"]) == (2.5, 1000, 3, 40)
    assert (limits["script_bytes"], limits["memory_mb"], limits["concurrency"]) == (204800, 512, 2)
    assert {"numpy", "pandas"} <= {name.lower() for name in info["python"]["packages"]}


def test_python_version_is_the_jails(client):
    info = client.get("/", Accept="application/json").json()
    inside = client.result("import platform\ndef main(): return platform.python_version()")
    assert info["python"]["version"] == inside


def test_server_timing(client):
    answer = client.execute(SLEEP.format(0.2))
    durations = [float(d) for d in re.findall(r"dur=([\d.]+)", answer.header("Server-Timing"))]
    assert durations and 200 <= max(durations) < 5000


# -- settings ---------------------------------------------------------------------------------------------

# name -> values that must be refused
BAD_VALUES = {
    "PORT": ("0", "65536", "-1", "http", "80.5", "8080x", " 8080", ""),
    "HOST": ("", "no such host", "300.1.1.1", "localhost:80"),
    "MAX_SCRIPT_BYTES": ("0", "-1", "many", "1e6", "99999999999999999999999"),
    "MAX_STDOUT_BYTES": ("-1", "x", "99999999999999999999999"),
    "MAX_RESULT_BYTES": ("0", "-1", "x", "99999999999999999999999"),
    "TIME_LIMIT_SEC": ("0", "-1", "nan", "inf", "1e3", "ten", "0.0001", "999999999", "1.", ".", "0x10", "1,5"),
    "CPU_LIMIT_SEC": ("0", "-1", "1.5", "x", "99999999999"),
    "MEM_LIMIT_MB": ("0", "1", "-512", "512M", "99999999999999999999"),
    "FSIZE_LIMIT_MB": ("0", "-1", "x", "99999999999999999999"),
    "TMP_LIMIT_MB": ("0", "-1", "x", "99999999999999999999"),
    "NOFILE_LIMIT": ("0", "3", "-1", "x", "99999999999"),
    "NPROC_LIMIT": ("0", "-1", "x", "99999999999"),
    "MAX_CONCURRENCY": ("0", "-1", "two", "99999999999"),
    "MAX_QUEUE": ("-1", "x", "99999999999"),
    "MAX_PER_CLIENT": ("-1", "x", "99999999999"),
    "MAX_CONNECTIONS": ("0", "15", "-1", "x", "99999999999"),
    "CLIENT_ADDRESS_HEADER": ("X Forwarded For", "X-Forwarded-For:", "a,b", "\u00e9"),
    "PYTHON_BIN": ("", "python3", "./python3", "/no/such/python", "/etc/passwd", "/usr"),
    "START": ("", "hot", "COLD ", "1"),
    "ISOLATION": ("", "none", "off", "weak"),
    "LOG_FORMAT": ("", "xml", "JSON "),
    "METRICS": ("", "yes", "1", "OFF"),
}
CHOICES = {"START": ("cold",), "ISOLATION": ("auto", "strong"), "LOG_FORMAT": ("auto", "text", "json"),
           "METRICS": ("on", "off")}
RANGED = {name for name in BAD_VALUES if name not in CHOICES and name not in ("HOST", "PYTHON_BIN", "CLIENT_ADDRESS_HEADER")}


@pytest.mark.parametrize("name, value", [(n, v) for n, values in BAD_VALUES.items() for v in values])
def test_bad_value_is_fatal(name, value):
    """Name, value and range are in the message; nothing is served."""
    done = run_once("--check", env={name: value})
    assert done.returncode != 0 and done.returncode > 0, done
    assert name in done.stderr and value in done.stderr, done.stderr
    if name in RANGED:
        message = done.stderr.replace(f'"{value}"', "")
        assert len(re.findall(r"\b\d+(?:\.\d+)?\b", message)) >= 2, f"no range: {done.stderr}"
    for choice in CHOICES.get(name, ()):
        assert choice in done.stderr, done.stderr


def test_bad_value_refuses_to_serve():
    with pytest.raises(StartFailed, match="MAX_QUEUE"):
        Server({"MAX_QUEUE": "lots"}).start()


@pytest.mark.parametrize("args", (("--no-such-flag",), ("--no-such-flag=1",), ("surplus",), ("--port",), ("-x",),
                                  ("--portx=1",), ("--port=",), ("--por", "8080"), ("",)))
def test_bad_arguments_are_fatal(args):
    done = run_once("--check", *args)
    assert done.returncode > 0
    assert (args[0].partition("=")[0].lstrip("-").upper() or '""') in done.stderr.upper()


def settings_of(*args, env=None):
    done = run_once("--check", *args, env=env)
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"(?m)^([A-Z_]+)=(.*)$", done.stdout))


def test_check_prints_every_setting():
    settings = settings_of()
    assert set(SETTINGS) - {"WARM_IMPORTS"} <= set(settings)
    wanted = {"PORT": "8080", "HOST": "127.0.0.1", "MAX_SCRIPT_BYTES": "204800", "MAX_STDOUT_BYTES": "204800",
              "MAX_RESULT_BYTES": "1048576", "TIME_LIMIT_SEC": "10", "CPU_LIMIT_SEC": "10", "MEM_LIMIT_MB": "512",
              "FSIZE_LIMIT_MB": "10", "TMP_LIMIT_MB": "64", "NOFILE_LIMIT": "256", "NPROC_LIMIT": "64", "MAX_QUEUE": "64",
              "MAX_PER_CLIENT": "0", "MAX_CONNECTIONS": "2048", "CLIENT_ADDRESS_HEADER": "none",
              "MAX_CONCURRENCY": str(len(os.sched_getaffinity(0))), "PYTHON_BIN": "/usr/bin/python3", "ISOLATION": "auto",
              "LOG_FORMAT": "auto", "METRICS": "on"}
    assert {name: settings[name] for name in wanted} == wanted


@pytest.mark.skipif(Server.contained, reason="about files of this machine")
def test_canaries_of_starts_that_were_killed_are_removed():
    """A service that was killed during its self-test leaves a file; another that starts just now has one, too."""
    stale, fresh = (f"/var/tmp/safe-exec-canary-test-{os.getpid()}-{word}" for word in ("stale", "fresh"))
    try:
        subprocess.run(["touch", "-d", "11 minutes ago", stale], check=True, timeout=10, **as_user())
        subprocess.run(["touch", fresh], check=True, timeout=10, **as_user())
        settings_of()
        assert not os.path.exists(stale) and os.path.exists(fresh)
    finally:
        for path in (stale, fresh):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


@pytest.mark.parametrize("args, env", (
    (("--time-limit-sec=2.5",), None), (("--time-limit-sec", "2.5"), None), ((), {"TIME_LIMIT_SEC": "2.5"}),
    (("--time-limit-sec=2.5",), {"TIME_LIMIT_SEC": "7"})))
def test_flag_and_environment_are_equal(args, env):
    assert settings_of(*args, env=env)["TIME_LIMIT_SEC"] == "2.5"


def test_flags_serve():
    """--port=... and --port ... at a real start."""
    port = free_port()
    with Server({"PORT": str(port)}, args=["--max-queue", "7", "--max-concurrency=1"]) as server:
        assert Client(server).health()["jobs"] == {"running": 0, "queued": 0, "slots": 1, "queue_limit": 7}


def help_table():
    """{NAME: default} from --help."""
    text = run_once("--help").stdout
    return dict(re.findall(r"(?ms)^ {1,4}([A-Z][A-Z_]+) +--\S+.*?default (\S+)", text))


def test_help_and_version():
    table = help_table()
    assert set(SETTINGS) == set(table)
    assert table["MAX_SCRIPT_BYTES"] == "204800" and table["HOST"] == "127.0.0.1"
    done = run_once("--help", env={"PORT": "nonsense"})
    assert done.returncode == 0 and all(word in done.stdout for word in ("--check", "--version", "--help"))
    done = run_once("--version")
    assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout)


def test_readme_table_is_the_help_table():
    path = os.path.join(ROOT, "README.md")
    with open(path, encoding="utf-8") as f:
        section = f.read().split("## Configuration\n")[1].split("\n## ")[0]
        rows = [line for line in section.splitlines() if line.startswith("| `") and re.match(r"\| `[A-Z][A-Z_]+`", line)]
    documented = {}
    for row in rows:
        cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
        names, defaults = re.findall(r"`([A-Z_]+)`", cells[0]), cells[1].replace("`", "").split(", ")
        documented.update(zip(names, defaults) if len(names) == len(defaults) else {n: cells[1] for n in names})
    table = help_table()
    assert set(documented) == set(table)
    for name, default in table.items():
        assert documented[name].split()[0] == default, name


def test_each_promise_names_tests_that_there_are():
    """SECURITY.md: twelve promises in a row, each with files; a name without a folder is in that of the one before it."""
    with open(os.path.join(ROOT, "SECURITY.md"), encoding="utf-8") as f:
        section = f.read().split("## Promises\n")[1].split("\n## ")[0]
    promises = re.findall(r"(?ms)^(\d+)\. (.*?)(?=^\d+\. |\nAt the level)", section)
    assert [int(number) for number, _ in promises] == list(range(1, 13))
    for number, text in promises:
        folder, found = "", 0
        for name in re.findall(r"`([\w./*-]+(?:\.py|\.c|/|\*))`", text):
            folder = os.path.dirname(name) or folder
            path = os.path.join(ROOT, folder, os.path.basename(name))
            assert glob.glob(path), f"promise {number}: {name}"
            found += 1
        assert found, f"promise {number} names no test"


def test_port_in_use_is_fatal(server):
    second = Server({"PORT": str(server.port)}).start(wait_ready=False)
    assert second.process.wait(30) > 0
    assert str(server.port) in second.log()


def test_limit_settings_reach_the_job(fleet):
    client = fleet.client({"NOFILE_LIMIT": "50", "FSIZE_LIMIT_MB": "2"})
    limits = client.result(
        "import resource\n"
        "def main():\n"
        "    return [resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_FSIZE)]\n")
    assert limits == [[50, 50], [2 << 20, 2 << 20]]


# -- queue --------------------------------------------------------------------------------------------------


def test_queue_overflow(fleet):
    """One runs, one waits, the third hears 503 at once; the others get their own answers."""
    server = fleet.server({"MAX_CONCURRENCY": "1", "MAX_QUEUE": "1", "TIME_LIMIT_SEC": "10"})
    client = Client(server)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(Client(server).execute, SLEEP.format(1.5))
        running(client)
        second = pool.submit(Client(server).execute, "def main(): return 'second'")
        wait_until(lambda: client.health()["jobs"]["queued"] == 1, 5, "one waits")
        began = time.monotonic()
        third = client.execute("def main(): return 'third'")
        assert time.monotonic() - began < 1.4
        assert (third.status, third.code) == (503, "OVERLOADED")
        assert int(third.header("Retry-After")) == third.details["retry_after"] >= 1
        assert client.get("/health").status == 200
        assert (first.result().result, second.result().result) == ("slept", "second")
    assert client.result("def main(): return 'again'") == "again"


def test_queue_of_none(fleet):
    server = fleet.server({"MAX_CONCURRENCY": "1", "MAX_QUEUE": "0", "TIME_LIMIT_SEC": "10"})
    client = Client(server)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(Client(server).execute, SLEEP.format(0.5))
        running(client)
        assert client.execute("def main(): return 1").code == "OVERLOADED"
        assert first.result().result == "slept"


def test_queue_is_first_in_first_out(fleet):
    server = fleet.server({"MAX_CONCURRENCY": "1", "MAX_QUEUE": "8", "TIME_LIMIT_SEC": "10"})
    client, ended = Client(server), []

    def run(n):
        assert Client(server).result(f"def main(): return {n}") == n
        ended.append(n)

    with ThreadPoolExecutor(6) as pool:
        blocker = pool.submit(Client(server).execute, SLEEP.format(0.8))
        running(client)
        waiting = []
        for n in range(5):
            waiting.append(pool.submit(run, n))
            wait_until(lambda n=n: client.health()["jobs"]["queued"] == n + 1, 5, f"{n + 1} wait")
        for future in (blocker, *waiting):
            future.result()
    assert ended == [0, 1, 2, 3, 4]


def test_many_clients_get_their_own_answers(server):
    """Nothing is lost and nothing is mixed up under load."""
    def run(n):
        answer = Client(server).execute(f"print('out {n}')\ndef main(): return {{'n': {n}}}")
        return answer.status == 200 and answer.result == {"n": n} and answer.stdout == f"out {n}\n"

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(run, range(200)))


def test_queue_time_is_not_run_time(fleet):
    """Waiting for a slot does not count against the time limit."""
    server = fleet.server({"MAX_CONCURRENCY": "1", "MAX_QUEUE": "8", "TIME_LIMIT_SEC": "1"})
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: Client(server).execute(SLEEP.format(0.6)), range(4)))
    assert [a.result for a in answers] == ["slept"] * 4


# -- the end --------------------------------------------------------------------------------------------------


def refuses_connections(server):
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=1) as s:
            s.sendall(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return not s.recv(100).startswith(b"HTTP/1.1 200")
    except OSError:
        return True


def test_sigterm_drains():
    """The job that runs is answered, new work is refused, and the exit status is 0."""
    with Server() as server, ThreadPoolExecutor(1) as pool:
        client = Client(server)
        job = pool.submit(Client(server).execute, SLEEP.format(1.5))
        running(client)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses_connections(server), 1.4, "new clients are refused")
        assert not job.done()
        assert job.result().result == "slept"
        assert server.process.wait(10) == 0


@pytest.mark.slow
def test_a_job_that_outlives_the_drain_says_what_it_printed():
    """After 8 s it is stopped, which is not its fault: OVERLOADED, to be sent again."""
    with Server({"TIME_LIMIT_SEC": "60"}) as server, ThreadPoolExecutor(1) as pool:
        job = pool.submit(Client(server).execute, SLEEP.format(50))
        running(Client(server))
        server.process.send_signal(signal.SIGTERM)
        answer = job.result()
        assert (answer.code, answer.stdout, answer.header("Retry-After")) == ("OVERLOADED", "started\n", "1")
        assert server.process.wait(10) == 0


def test_second_sigterm_does_not_wait():
    """Who asks twice means it: the service ends soon, and nothing stays behind."""
    with Server({"TIME_LIMIT_SEC": "60"}) as server, ThreadPoolExecutor(1) as pool:
        job = pool.submit(converse, server, request_bytes(SLEEP.format(50)))
        running(Client(server))
        family = descendants(server.pid)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses_connections(server), 5, "it drains")
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(10)
        wait_until(lambda: not any(alive(p) for p in family), 5, "everything is gone")
        assert all(a.status != 200 for a in job.result().answers)
        server.process = None


def test_sigint_ends_too():
    with Server() as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(10) == 0


def test_harmless_signals_do_not_end_it():
    with Server() as server:
        for number in (signal.SIGPIPE, signal.SIGCHLD):
            os.kill(server.pid, number)
        assert Client(server).result("def main(): return 1") == 1


def test_idle_connections_do_not_hold_up_the_end():
    with Server() as server:
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        idle[0].sendall(b"POST /execute HTTP/1.1\r\nHost: x\r\n")
        Client(server).health()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
        for s in idle:
            s.close()


# -- a process dies -----------------------------------------------------------------------------------------------


def test_web_is_restarted():
    """Without its web process the spawner starts another on the same port, and drops its jobs."""
    with Server({"TIME_LIMIT_SEC": "60"}) as server, ThreadPoolExecutor(1) as pool:
        client = Client(server)
        job = pool.submit(converse, server, request_bytes(SLEEP.format(50)), timeout=20)
        running(client)
        jobs, web = wait_until(server.job_pids, 5, "its processes are there"), server.web_pid()
        os.kill(web, signal.SIGKILL)
        assert job.result().answers == []
        wait_until(lambda: server.web_pid() not in (None, web), 10, "web is back")
        server.wait_ready()
        assert Client(server).result("def main(): return 'back'") == "back"
        wait_until(lambda: not any(alive(p) for p in jobs), 5, "the old job's processes are gone")
        assert Client(server).health()["jobs"]["running"] == 0


def test_web_dies_again_and_again():
    with Server() as server:
        for n in range(3):
            web = server.web_pid()
            os.kill(web, signal.SIGSEGV)
            wait_until(lambda web=web: server.web_pid() not in (None, web), 15, "web is back")
            server.wait_ready()
            assert Client(server).result(f"def main(): return {n}") == n


def test_web_that_is_stopped_alone_is_replaced(fleet):
    """It shuts the shared socket down on its way out; the next one must hear again."""
    with Server({}) as server:
        client, old = Client(server), server.web_pid()
        os.kill(old, signal.SIGTERM)
        wait_until(lambda: server.web_pid() not in (None, old), 10, "a new web is there")
        wait_until(lambda: _answers(client), 10, "the new web answers")
        assert client.result("def main(): return 1") == 1


def _answers(client):
    try:
        return client.health()["ok"]
    except Exception:  # pylint: disable=broad-except  # any kind of "not yet"
        return False


def test_descriptors_under_way_are_the_senders_own(fleet):
    """Descriptors in unread messages count per user: a job that sends many must not stop the jobs beside it."""
    server = fleet.server({"TIME_LIMIT_SEC": "10", "MAX_CONCURRENCY": "2"})
    hoard = """
import array, os, socket, time
def main():
    keep, sent = [], 0
    try:
        while sent < 2000:
            pair = socket.socketpair()
            keep.append(pair)
            pair[0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 250))])
            sent += 250
    except OSError:
        pass
    print(sent, flush=True)
    time.sleep(1.5)
    return sent
"""
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(Client(server).execute, hoard)
        running(Client(server))
        time.sleep(0.5)
        for _ in range(3):
            assert Client(server).result("def main(): return 1") == 1
        assert first.result().result >= 250


def test_everything_dies_with_the_spawner():
    with Server({"TIME_LIMIT_SEC": "60"}) as server, ThreadPoolExecutor(1) as pool:
        job = pool.submit(converse, server, request_bytes(SLEEP.format(50)), timeout=20)
        running(Client(server))
        wait_until(lambda: len(descendants(server.pid)) >= 2, 10, "web and a job are there")
        family = descendants(server.pid)
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
        try:
            wait_until(lambda: not any(alive(p) for p in family), 2, "everything is gone")
        finally:
            for pid in family:
                if alive(pid):
                    os.kill(pid, signal.SIGKILL)
        assert all(a.status != 200 for a in job.result().answers)
        server.process = None


@pytest.mark.parametrize("victim", ("init", "python"))
def test_killed_job_harms_only_itself(victim, fleet):
    """A job killed from outside: one answer says so, the job beside it goes on."""
    server = fleet.server({"TIME_LIMIT_SEC": "10"})
    client, identity = Client(server), server.identity()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(Client(server).execute, SLEEP.format(5))
        running(client)
        jobs = wait_until(lambda: server.job_pids() if len(server.job_pids()) == 2 else None, 10,
                          "init and python are there")
        inits = server.children("safe-exec-init")
        pids = [p for p in jobs if (p in inits) == (victim == "init")]
        second = pool.submit(Client(server).execute, SLEEP.format(1))
        running(client, 2)
        os.kill(pids[0], signal.SIGKILL)
        assert first.result().code in ("CRASHED", "INTERNAL")
        assert second.result().result == "slept"
    assert client.result("def main(): return 1") == 1
    assert server.identity() == identity


def test_nothing_is_left_after_jobs(fleet):
    """Processes, descriptors and zombies of the service are the same before and after many jobs."""
    pool = 3
    server = fleet.server({"TIME_LIMIT_SEC": "10", "POOL_SIZE": str(pool)})
    client = Client(server)

    def descriptors(pid):
        """But the networks of cells, which stay once they are made."""
        names = []
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                names.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        return len([name for name in names if not name.startswith("net:")])

    def state():
        wait_until(lambda: not server.job_pids(), 5, "jobs are gone")
        wait_until(lambda: len({t["ready"] for t in client.health().get("templates", {}).values()} - {pool}) == 0, 10,
                   "the pool is full")
        return [descriptors(pid) for pid in (server.pid, server.web_pid())]

    mix = ("def main(): return 1", "def main(): 1/0", "import os\nos._exit(0)\ndef main(): pass", "def main(:",
           "import os\ndef main(): os.abort()")
    for script in mix:
        client.execute(script)
    before = state()
    for _ in range(8):
        for script in mix:
            client.execute(script)
    # a connection of an earlier test may have been closed meanwhile: fewer is fine
    wait_until(lambda: all(now <= then for now, then in zip(state(), before)), 5, f"no more than {before} are open")


@pytest.mark.skipif(os.getuid() != 0 or bool(os.environ.get("SAFE_EXEC_TEST_USER")), reason="needs a process namespace")
def test_a_start_in_another_process_namespace_harms_nobody():
    """Numbers of processes mean something else there: the control groups of a living service are not taken for stale."""
    with Server({"POOL_SIZE": "0"}) as server:
        done = subprocess.run(["unshare", "-p", "-f", "--mount-proc", binary(), "--check"], env=base_env(), timeout=60,
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        client = Client(server)
        assert [client.result(f"def main(): return {n}") for n in range(5)] == list(range(5))


# -- as process 1, and asked from beside ------------------------------------------------------------------------------


@pytest.mark.skipif(os.getuid() != 0 or bool(os.environ.get("SAFE_EXEC_TEST_USER")), reason="needs a process namespace")
def test_as_process_1_it_stands_aside():
    """Process 1 keeps the container's files, where others enter by it; it reaps, hands SIGTERM on, and ends with it."""
    port = free_port()
    outer = subprocess.Popen(["unshare", "-p", "-f", "--mount-proc", binary(), "--port", str(port)], env=base_env(),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        wait_until(lambda: answers_ready(port), 60, "it serves")
        (first,) = [pid for pid, comm in descendants(outer.pid).items() if comm == "safe-exec-first"]
        with open(f"/proc/{first}/status", encoding="utf-8") as file:
            assert re.search(r"^NSpid:.*\t1$", file.read(), re.M), "it is process 1 in there"
        assert {"usr", "etc"} <= set(os.listdir(f"/proc/{first}/root")), "it has left the files"
        asked = subprocess.run(["nsenter", "-t", str(first), "-m", "-p", binary(), "--health", "--port", str(port)],
                               env=base_env(), timeout=30, capture_output=True, text=True, check=False)
        assert asked.returncode == 0 and json.loads(asked.stdout)["ok"] is True
        os.kill(first, signal.SIGTERM)
        assert outer.wait(20) == 0
    finally:
        for pid in [*descendants(outer.pid), outer.pid]:
            if outer.poll() is None and alive(pid):
                os.kill(pid, signal.SIGKILL)
        outer.wait()
        outer.stdout.close()


def test_health_from_the_command_line(server):
    """Exit 0 and the answer's body when it is healthy, 1 and a sentence when nobody is there."""
    asked = run_once("--health", env={"PORT": str(server.port), "HOST": "0.0.0.0"})
    assert asked.returncode == 0 and json.loads(asked.stdout)["status"] == "healthy"
    asked = run_once("--health", env={"PORT": str(free_port())})
    assert asked.returncode == 1 and "nobody answers" in asked.stderr and not asked.stdout


# -- log -----------------------------------------------------------------------------------------------------------


def test_log_is_json_and_holds_no_content():
    """One object a line; what scripts say, print, raise or return is not in it."""
    with Server({"LOG_FORMAT": "json"}) as server:
        client = Client(server)
        client.execute("# canary-source\ndef main():\n    print('canary-' + 'stdout')\n    return 'canary-' + 'result'")
        client.execute("import sys\ndef main():\n    print('canary-' + 'stderr', file=sys.stderr)\n"
                       "    raise ValueError('canary-' + 'error')")
        client.execute("def main():\n    return {'canary-' + 'set'}")
        client.execute("import os\ndef main():\n    os.write(2, b'canary-' + b'crash')\n    os.abort()")
        client.execute("canary-syntax = 1 +")
        client.post(b'{"canary-member": 1}')
        client.get("/health", X_Request_Id="known-request-id", Authorization="Bearer canary-token")
        converse(server, b"GET /canary-path?canary-query HTTP/1.1\r\nHost: x\r\n\r\n", method="GET",
                 path="/canary-path", answers=1)
        client.execute("def main(): return 1")
        wait_until(lambda: server.log_records(), 5, "there is a log")
        log = server.log()
        for canary in ("source", "stdout", "result", "stderr", "error", "set", "crash", "syntax", "member",
                       "token", "query", "path"):
            assert f"canary-{canary}" not in log
        assert "Traceback" not in log


def test_log_text_format():
    with Server({"LOG_FORMAT": "text"}) as server:
        assert Client(server).result("def main(): return 1") == 1
        lines = server.log().splitlines()
        assert lines and not any(line.startswith("{") for line in lines)


def test_log_auto_is_json_without_a_terminal():
    with Server() as server:
        assert server.log_records()


def test_log_has_no_forged_lines():
    """Bytes of a request cannot start a line of their own in the log."""
    with Server() as server:
        converse(server, b'GET /x%0a{"forged":1} HTTP/1.1\r\nHost: x\r\nX-Request-Id: a"b\\c\r\n\r\n', method="GET",
                 path="/x", answers=1)
        Client(server).execute("import sys\ndef main():\n    print('\\n{\"forged\": 1}', file=sys.stderr)")
        assert not any("forged" in record for record in server.log_records())


def test_concurrent_servers_do_not_meet():
    """Two services on one machine: each has its own port, jobs and end."""
    with Server() as a, Server() as b:
        results = {}

        def run(name, server):
            results[name] = Client(server).result(f"def main(): return {name!r}")

        threads = [threading.Thread(target=run, args=(n, s)) for n, s in (("a", a), ("b", b))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert results == {"a": "a", "b": "b"}
        a.stop()
        assert Client(b).result("def main(): return 'alone'") == "alone"
