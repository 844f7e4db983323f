# SPDX-License-Identifier: MIT
"""START=warm: jobs are forked from templates. No job may see that, repeat another one, or fail because a process died."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import Client, request_bytes
from harness.server import ROOT, Server, alive, binary, processes, run_once, wait_until

pytestmark = pytest.mark.skipif(os.environ.get("SAFE_EXEC_TEST_START", "warm") == "cold",
                                reason="these tests are about START=warm")

POOL = 2
PYTHON = "/usr/bin/python3"
DEBIAN_VERSION = (3, 11)            # of PYTHON, which the other tests cover
FREEZER = "/sys/fs/cgroup/freezer"  # of cgroup v1

SLEEP = "import time\ndef main():\n    time.sleep({})\n    return 'slept'"
# A second thread shows from outside that the script has begun.
SEEN = "import threading, time\ndef main():\n    threading.Thread(target=time.sleep, args=(7,)).start()"
# What only a fork of a template can say: its objects were frozen before the fork.
IS_WARM = "import gc\ndef main():\n    return gc.get_freeze_count() > 0"
# A script that names numpy, if only like this, is given to the full template.
FULL = "# numpy\n"


def settled(server, pool=POOL):
    """Waits until every template serves and has its children ready: a client of the server."""
    client = Client(server)

    def all_ready():
        shown = client.health()["templates"].values()
        return shown and all(t["state"] == "serving" and t["ready"] == pool for t in shown)
    wait_until(all_ready, 20, "all templates serve and their children wait")
    return client


def templates(server):
    """{"bare": pid, "full": pid} by the names that each was started with."""
    found = {}
    for pid in server.template_pids():
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
            found["full" if file.read().split("\0")[-2] else "bare"] = pid
    return found


def restarts(client):
    """{tier: how often its template was started again}."""
    return {name: template["restarts"] for name, template in client.health()["templates"].items()}


def kill(pids, number=signal.SIGKILL):
    for pid in pids:
        os.kill(pid, number)


def expect_jobs(server, count, threads=1, before=""):
    """So many jobs with answers of their own: each gets its own one."""
    def run(n):
        answer = Client(server).execute(f"{before}print('out', {n})\ndef main(): return {{'n': {n}}}")
        assert (answer.status, answer.stdout) == (200, f"out {n}\n"), answer
        assert answer.result == {"n": n}
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, range(count)))


@pytest.fixture(scope="module")
def waiting():
    """A server whose jobs are given to children that wait."""
    with Server({"POOL_SIZE": POOL, "TIME_LIMIT_SEC": "5", "MAX_CONCURRENCY": "4"}) as server:
        yield server


@pytest.fixture(scope="module")
def forking():
    """A server that forks a child when the job is there."""
    with Server({"POOL_SIZE": "0", "TIME_LIMIT_SEC": "5", "MAX_CONCURRENCY": "4"}) as server:
        yield server


@pytest.fixture(scope="module")
def cold():
    """A client of a server that starts an interpreter for each job."""
    with Server({"START": "cold", "TIME_LIMIT_SEC": "5", "MAX_CONCURRENCY": "4"}) as server:
        yield Client(server)


@pytest.fixture(scope="module")
def ready(waiting):
    """A client of the server whose jobs are given to children that wait."""
    return settled(waiting)


@pytest.fixture(params=("waiting", "forking"))
def either(request):
    """Both ways in which a job can meet its process, one after the other."""
    return request.getfixturevalue(request.param)


# -- what /health says ---------------------------------------------------------------------------------------


def test_health_shows_two_templates(waiting, ready):
    health = ready.health()
    assert health["start"] == "warm" and set(health["templates"]) == {"bare", "full"}
    for template in health["templates"].values():
        assert (template["state"], template["ready"], template["restarts"]) == ("serving", POOL, 0)
        assert template["snapshot"] == "ok" or template["snapshot"].startswith("absent: ")
        assert (template["snapshot"] == "ok") == (template["snapshot_bytes"] > 0)
    assert set(templates(waiting)) == {"bare", "full"}
    assert len(waiting.waiting_pids()) == 2 * POOL


def test_health_of_a_cold_server(cold):
    health = cold.health()
    assert health["start"] == "cold" and "templates" not in health
    assert cold.server.template_pids() == [] and cold.server.waiting_pids() == []
    assert cold.result(IS_WARM) is False


def test_without_imports_there_is_one_template():
    with Server({"WARM_IMPORTS": "", "POOL_SIZE": POOL}) as server:
        client = settled(server)
        assert set(client.health()["templates"]) == {"bare"} == set(templates(server))
        assert client.result("import numpy as np\ndef main(): return int(np.arange(4).sum())") == 6
        assert client.result(FULL + IS_WARM) is True


@pytest.mark.parametrize("before", ("", FULL), ids=("bare", "full"))
def test_jobs_run_warm(before, either):
    assert Client(either).result(before + IS_WARM) is True


def test_imports_that_nobody_could_guess(ready):
    """The template is chosen by the text of the script; a wrong guess costs time and nothing else."""
    script = "def main():\n    np = __import__('num' + 'py')\n    return [int(np.arange(5).sum()), {}]"
    assert ready.result(script.format("'pandas' in __import__('sys').modules")) == [10, True]
    hidden = "import sys\ndef main():\n    early = 'num' + 'py' in sys.modules\n" \
             "    return [early, int(__import__('num' + 'py').arange(5).sum())]"
    assert ready.result(hidden) == [False, 10], "the bare template has no numpy"
    assert ready.result("# pandas\n" + hidden) == [True, 10], "the full one has it"


# -- jobs differ ----------------------------------------------------------------------------------------------

DRAWS = """
import os, random, secrets, tempfile, uuid
import numpy as np

def main():
    return {
        "random.random": random.random(), "random.getrandbits": random.getrandbits(64), "random.gauss": random.gauss(0, 1),
        "random.Random": random.Random().random(), "secrets": secrets.token_hex(16), "urandom": os.urandom(16).hex(),
        "uuid1": str(uuid.uuid1()), "uuid4": str(uuid.uuid4()), "mkstemp": tempfile.mkstemp()[1],
        "mkdtemp": tempfile.mkdtemp(), "numpy state": [int(n) for n in np.random.get_state()[1][:4]],
        "numpy rand": np.random.rand(), "numpy randn": np.random.randn(), "numpy randint": int(np.random.randint(1 << 62)),
        "numpy RandomState": np.random.RandomState().rand(), "numpy default_rng": np.random.default_rng().random()}
"""


def expect_all_different(draws):
    for name in draws[0]:
        values = [json.dumps(draw[name]) for draw in draws]
        assert len(set(values)) == len(values), f"{name} repeats in {len(values)} jobs: {sorted(values)[:4]}"


def test_first_two_jobs_differ(waiting):
    """Both were forked and waiting before either was given its script."""
    client = settled(waiting)
    expect_all_different([client.result(DRAWS) for _ in range(2)])


def test_many_jobs_differ(waiting, forking):
    with ThreadPoolExecutor(3) as pool:
        draws = list(pool.map(lambda n: Client(forking if n % 2 else waiting).result(DRAWS), range(30)))
    expect_all_different(draws)


def test_seeded_numbers_are_the_usual_ones(ready):
    """New random numbers for each job must not disturb those that a seed asks for."""
    script = """
import random
import numpy as np
def main():
    np.random.seed(1)
    random.seed(1)
    state = np.random.get_state()
    return [np.random.rand(), np.random.randn(), np.random.randn(), np.random.randint(1000, size=3).tolist(),
            [int(n) for n in state[1][:3]], state[2], random.random(), random.gauss(0, 1), random.randrange(1000),
            np.random.default_rng(1).random(), np.random.RandomState(1).normal()]
"""
    usual = subprocess.run([PYTHON, "-c", script + "import json\nprint(json.dumps(main()))"], check=True,
                           stdout=subprocess.PIPE, timeout=60).stdout
    assert ready.result(script) == json.loads(usual)


FORKS = """
import concurrent.futures, logging, os, random, threading, time

def main():
    busy = threading.Thread(target=time.sleep, args=(9,), daemon=True)
    busy.start()
    logging._lock.acquire()                 # Python's own hook gives the child a free one
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        locked = threading.Thread(target=logging.getLogger, args=("child",), daemon=True)
        locked.start()
        locked.join(3)
        os.write(writer, repr([random.random(), threading.active_count(), locked.is_alive(),
                               threading.current_thread() is threading.main_thread()]).encode())
        os._exit(0)
    logging._lock.release()
    os.waitpid(pid, 0)
    child = eval(os.read(reader, 1000))
    return {"child": child[0], "parent": random.random(), "of the child": child[1:], "threads": threading.active_count()}
"""


def expect_fork_hooks(client):
    job = client.result(FORKS)
    assert job["child"] != job["parent"], "a forked child of a script draws its parent's numbers"
    assert job["of the child"] == [1, False, True] and job["threads"] == 2


def test_hooks_for_forks_of_the_script(either, can_fork):
    """What modules registered with os.register_at_fork while the template imported them is in force in a job."""
    if not can_fork:
        pytest.skip("jobs cannot create processes at this level of isolation")
    expect_fork_hooks(Client(either))
    pool = "import concurrent.futures\ndef main():\n" \
           "    with concurrent.futures.ThreadPoolExecutor(2) as pool:\n        return sum(pool.map(int, '123'))"
    assert Client(either).result(pool) == 6


# -- a job sees no trace of its template --------------------------------------------------------------------------

# The same script in a fresh interpreter is what it is measured against.
LOOK = """
import atexit, builtins, gc, locale, logging, os, random, resource, signal, sys, threading, warnings

def fields(path):
    with open(path) as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}

def main():
    mask = os.umask(0)
    os.umask(mask)
    descriptors = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            descriptors[fd] = os.readlink("/proc/self/fd/" + fd).split(":")[0]
        except OSError:                 # the one that listed them
            pass
    main_module = sys.modules["__main__"]
    return {
        "argv": sys.argv, "orig_argv": getattr(sys, "orig_argv", None), "path": sys.path, "flags": str(sys.flags),
        "executable": [sys.executable, sys.prefix, sys.base_prefix], "bytecode": sys.dont_write_bytecode,
        "limits of Python": [sys.getrecursionlimit(), sys.getswitchinterval()],
        "finders": [type(finder).__name__ for finder in sys.meta_path], "streams": repr([sys.stdin, sys.stdout, sys.stderr]),
        "environ": dict(os.environ), "mask": [int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
        "handlers": {str(n): str(signal.getsignal(n)) for n in range(1, signal.NSIG)},
        "threads": [thread.name for thread in threading.enumerate()], "daemon": threading.main_thread().daemon,
        "same": threading.main_thread().native_id == os.getpid() == threading.get_native_id(),
        "alive": threading.current_thread() is threading.main_thread() and threading.main_thread().is_alive(),
        "ident": threading.main_thread().ident == threading.get_ident(),
        "gc": [gc.isenabled(), gc.get_threshold(), gc.get_debug(), len(gc.garbage), len(gc.callbacks)],
        "umask": mask, "cwd": os.getcwd(),
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource)
                   if name.startswith("RLIMIT_")},
        "descriptors": descriptors, "inheritable": [fd for fd in descriptors if os.get_inheritable(int(fd))],
        "builtins": sorted(vars(builtins)), "locale": locale.setlocale(locale.LC_ALL), "hooks": repr(sys.excepthook),
        "atexit": atexit._ncallbacks(), "warnings": [repr(entry) for entry in warnings.filters],
        "identity": [os.getresuid(), os.getresgid(), os.getgroups(), os.nice(0), sorted(os.sched_getaffinity(0))],
        "oom": open("/proc/self/oom_score_adj").read(), "files": [sorted(os.listdir(p)) for p in ("/", "/tmp", "/dev/shm")],
        "processes": [p for p in os.listdir("/proc") if p.isdigit()], "script": sorted(globals()),
        "trace": [sys.gettrace(), sys.getprofile()], "runner": sorted(vars(main_module)),
        "status": fields("/proc/self/status"), "modules": sorted(sys.modules),
        "library": sorted(sys.stdlib_module_names),
    }
"""
# Memory, and how a process that is no child of process 1 is seen from inside.
STATUS_MAY_DIFFER = re.compile(r"Vm|Rss|Hugetlb|.*ctxt_switches|PPid|NSpgid|NSsid|NSpid|Pid|Tgid|Ngid")
IMPORTS = {"bare": "", "full": "import numpy, pandas\n"}


@pytest.fixture(scope="module")
def cold_look(cold):
    """{tier: what a job sees in a fresh interpreter}."""
    return {tier: cold.result(before + LOOK) for tier, before in IMPORTS.items()}


@pytest.mark.parametrize("tier", IMPORTS)
def test_no_trace_of_the_template(tier, either, cold_look):
    usual, seen = dict(cold_look[tier]), Client(either).result(IMPORTS[tier] + LOOK)
    modules, usual_modules = set(seen.pop("modules")), set(usual.pop("modules"))
    status, usual_status = seen.pop("status"), usual.pop("status")
    assert not modules & {"template", "_template", "runner", "tojson"}
    known = set(usual["library"]) | {name.split(".")[0] for name in usual_modules}
    strangers = {name for name in modules if name.split(".")[0] not in known}
    assert not strangers, "modules that are neither the script's nor the standard library's"
    assert usual_modules <= modules
    assert {n: v for n, v in status.items() if not STATUS_MAY_DIFFER.match(n)} \
        == {n: v for n, v in usual_status.items() if not STATUS_MAY_DIFFER.match(n)}
    assert seen["argv"] == ["script.py"] and seen["mask"] == [] and seen["threads"] == ["MainThread"] and seen["same"]
    assert seen == usual


# Each pattern is written so that neither it nor its compiled form is what it looks for.
MEMORY = """
# numpy
import re
PATTERNS = {"script": rb"[c]anary-[s]cript", "service": rb"[c]anary-[s]ervice"}

def main():
    found = dict.fromkeys(PATTERNS, 0)
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            parts = line.split()
            start, end = (int(part, 16) for part in parts[0].split("-"))
            if "r" in parts[1] and not parts[-1].startswith(("/usr", "[v")):
                memory.seek(start)
                text = memory.read(end - start)
                for name, pattern in PATTERNS.items():
                    found[name] += sum(1 for _ in re.finditer(pattern, text))
    return found
"""


def test_memory_holds_nothing_of_others(monkeypatch):
    """Neither an earlier script nor the service's environment is anywhere in the memory of a job."""
    monkeypatch.setenv("OPERATORS_SECRET", "canary-service")
    with Server({"POOL_SIZE": POOL}) as server:
        client = settled(server)
        for before in ("", FULL) * 5:
            assert client.result(before + "def main(): return 'canary-script'") == "canary-script"
        assert client.result(MEMORY) == {"script": 0, "service": 0}
        assert client.result("WORD = 'canary-script'\n" + MEMORY)["script"] > 0, "the search finds what is there"


# -- each child is used once ------------------------------------------------------------------------------------------

POLLUTE = """
import builtins, decimal, gc, json, logging, os, random, re, resource, signal, sys, threading, warnings
import numpy as np
builtins.left_behind = sys.left_behind = np.left_behind = 1
builtins.len = json.dumps = re.compile = None
sys.modules["left_behind"] = sys
sys.path.insert(0, "/left")
sys.argv.append("left")
os.environ["LEFT"] = "1"
for folder in ("/tmp", "/dev/shm"):
    with open(folder + "/left", "w") as file:
        file.write("left")
os.umask(0o70)
os.chdir("/dev/shm")
np.random.seed(0)
random.seed(0)
np.seterr(all="raise")
decimal.getcontext().prec = 5
gc.disable()
sys.setrecursionlimit(500)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
logging.getLogger().addHandler(logging.NullHandler())
warnings.simplefilter("error")
threading.left_behind = 1
sys.modules["__main__"].left_behind = 1
"""
CLEAN = """
import builtins, decimal, gc, json, logging, os, random, re, resource, signal, sys, threading, warnings
import numpy as np

def main():
    mask = os.umask(0)
    os.umask(mask)
    places = (builtins, sys, np, threading, sys.modules["__main__"])
    return {
        "names": [hasattr(place, "left_behind") for place in places], "builtins": builtins.len is None,
        "patched": [json.dumps is None, re.compile is None], "modules": "left_behind" in sys.modules,
        "path": list(sys.path), "argv": list(sys.argv), "environ": dict(os.environ), "tmp": sorted(os.listdir("/tmp")),
        "shm": sorted(os.listdir("/dev/shm")), "umask": mask, "cwd": os.getcwd(),
        "numpy seeded": float(np.random.rand()) == float(np.random.RandomState(0).rand()),
        "random seeded": random.random() == random.Random(0).random(), "errors": dict(np.geterr()),
        "precision": decimal.getcontext().prec, "gc": gc.isenabled(), "recursion": sys.getrecursionlimit(),
        "signal": str(signal.getsignal(signal.SIGUSR1)), "limit": resource.getrlimit(resource.RLIMIT_NOFILE),
        "handlers": sum(1 for _ in logging.getLogger().handlers), "warnings": sum(1 for _ in warnings.filters)}
"""


def test_nothing_stays_for_the_next_job(either):
    client = Client(either)
    clean = client.result(CLEAN)
    within = client.result(POLLUTE + CLEAN)
    assert [name for name in clean if within[name] == clean[name]] == [], "what a job does to itself, it sees"
    for _ in range(4):
        assert client.result(POLLUTE + "def main(): return 'left'") == "left"
    assert [client.result(CLEAN) for _ in range(20)] == [clean] * 20


# -- many at once -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ("", FULL), ids=("bare", "full"))
def test_forty_jobs_of_eight_clients(before, either):
    client = Client(either)
    counted = restarts(client)
    expect_jobs(either, 40, threads=8, before=before)
    assert restarts(client) == counted


def test_more_jobs_than_children_wait(waiting):
    """Four at once, where two wait: the others are forked on demand."""
    client = settled(waiting)
    script = IS_WARM.replace("return", "__import__('time').sleep(0.5)\n    return")
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(Client(waiting).result, script) for _ in range(4)]
        wait_until(lambda: client.health()["jobs"]["running"] == 4, 5, "four jobs run")
        assert [job.result() for job in jobs] == [True] * 4
    settled(waiting)


# -- children that die or hang while they wait -----------------------------------------------------------------------------


def inits_of_waiting(server):
    spaces = {os.readlink(f"/proc/{pid}/ns/pid") for pid in server.waiting_pids()}
    return [pid for pid in server.children("safe-exec-init") if os.readlink(f"/proc/{pid}/ns/pid") in spaces]


@pytest.mark.parametrize("victims", ("children", "inits"))
def test_dead_children_are_replaced(victims, waiting):
    client, old = settled(waiting), waiting.waiting_pids()
    started, identity, counted = templates(waiting), waiting.identity(), restarts(client)
    pids = old if victims == "children" else inits_of_waiting(waiting)
    assert len(pids) == 2 * POOL
    kill(pids)
    if victims == "inits":              # what an init takes with it dies a moment later, and not before it is told
        wait_until(lambda: not any(alive(pid) for pid in old), 5, "the children are dead")
    expect_jobs(waiting, 10)
    expect_jobs(waiting, 10, before=FULL)
    settled(waiting)
    assert not set(old) & set(waiting.waiting_pids())
    assert (templates(waiting), waiting.identity()) == (started, identity)
    assert restarts(client) == counted


def test_children_that_hang_are_replaced(waiting):
    """A job that nobody takes is given to another process, without its client noticing more than the time."""
    settled(waiting)
    stopped, started = waiting.waiting_pids(), templates(waiting)
    kill(stopped, signal.SIGSTOP)
    with ThreadPoolExecutor(2 * POOL) as pool:
        jobs = [pool.submit(expect_jobs, waiting, 1, before=before) for before in ("", FULL) for _ in range(POOL)]
        for job in jobs:
            job.result(timeout=10)
    wait_until(lambda: not any(alive(pid) for pid in stopped), 10, "those that hang are gone")
    settled(waiting)
    assert templates(waiting) == started
    expect_jobs(waiting, 4)


# -- templates that die or hang ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def battered():
    """A server whose templates are killed by the tests below."""
    with Server({"POOL_SIZE": POOL, "TIME_LIMIT_SEC": "8", "MAX_CONCURRENCY": "4"}) as server:
        yield server


@pytest.mark.parametrize("victims", (("bare",), ("full",), ("bare", "full")), ids="+".join)
def test_killed_templates(victims, battered):
    """Jobs that run are not touched, those that come are served at once, and another template is started."""
    client = settled(battered)
    before, old, log = restarts(client), templates(battered), battered.log()
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(Client(battered).result, text + SLEEP.format(1)) for text in ("", FULL)]
        wait_until(lambda: client.health()["jobs"]["running"] == 2, 5, "both jobs run")
        kill([old[tier] for tier in victims])
        for _ in range(4):                  # more than wait
            expect_jobs(battered, 2, threads=2)
            expect_jobs(battered, 2, threads=2, before=FULL)
        assert [job.result() for job in running] == ["slept"] * 2
    wait_until(lambda: all(restarts(client)[tier] > before[tier] for tier in victims), 5, "it is counted")
    started = time.monotonic()
    settled(battered)
    assert time.monotonic() - started < 10
    new = templates(battered)
    for tier in ("bare", "full"):
        assert (new[tier] != old[tier]) == (tier in victims)
        assert (f"{tier} template died" in battered.log()[len(log):]) == (tier in victims)
        assert (restarts(client)[tier] > before[tier]) == (tier in victims)
    assert client.result(IS_WARM) and client.result(FULL + IS_WARM)
    wait_until(lambda: len(battered.waiting_pids()) == 2 * POOL, 5, "children of the dead template are gone")


def test_killed_templates_under_load():
    """Without a pool every job is in the middle of a fork when its template is killed, sooner or later."""
    with Server({"POOL_SIZE": "0", "TIME_LIMIT_SEC": "8", "MAX_CONCURRENCY": "4"}) as server:
        over, counted = threading.Event(), []

        def run(before):
            while not over.is_set():
                expect_jobs(server, 5, before=before)
                counted.append(5)
        with ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(run, before) for before in ("", FULL, "", FULL)]
            for _ in range(8):
                time.sleep(0.25)
                kill(server.template_pids())
            over.set()
            for done in clients:
                done.result()
        assert len(counted) >= 8
        client = settled(server, pool=0)
        assert all(count >= 2 for count in restarts(client).values())


@pytest.mark.parametrize("victims", (("bare",), ("bare", "full")), ids="+".join)
def test_templates_that_hang(victims, battered):
    """One that is asked to fork and does not is killed; its jobs are run by something else."""
    client = settled(battered)
    before, old = restarts(client), templates(battered)
    kill([old[tier] for tier in victims], signal.SIGSTOP)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(expect_jobs, battered, 2, before=text) for text in ("", FULL) * 2]
        for job in jobs:
            job.result(timeout=25)
    wait_until(lambda: all(restarts(client)[tier] > before[tier] for tier in victims), 10, "it is replaced")
    wait_until(lambda: not any(alive(old[tier]) for tier in victims), 5, "the old one is gone")
    settled(battered)
    expect_jobs(battered, 4)
    wait_until(lambda: len(battered.waiting_pids()) == 2 * POOL, 5, "its children are gone")


@pytest.mark.parametrize("tier, before", (("bare", ""), ("full", FULL)), ids=("bare", "full"))
def test_a_template_that_hangs_when_nobody_waits(tier, before, forking):
    """The job itself is what hangs in the template's queue: it is started again elsewhere."""
    client = settled(forking, pool=0)
    counted, old = restarts(client), templates(forking)[tier]
    kill([old], signal.SIGSTOP)
    expect_jobs(forking, 1, before=before)
    wait_until(lambda: restarts(client)[tier] > counted[tier] and not alive(old), 10, "it is replaced")
    settled(forking, pool=0)
    expect_jobs(forking, 4, before=before)
    assert set(templates(forking)) == {"bare", "full"}


def process_of_job(server):
    """The one process of the one job that runs, its init left out."""
    def found():
        inits = server.children("safe-exec-init")
        pids = [pid for pid in server.job_pids() if pid not in inits]
        return pids if len(pids) == 1 else None
    return wait_until(found, 5, "a job runs")[0]


@contextlib.contextmanager
def frozen(pid):
    """A process that no signal reaches for now, as while it waits for a slow disk: not even SIGKILL (cgroups(7), freezer)."""
    group = tempfile.mkdtemp(prefix="safe-exec-test-", dir=FREEZER)

    def write(name, text):
        with open(os.path.join(group, name), "w", encoding="ascii") as file:
            file.write(text)

    def read(name):
        with open(os.path.join(group, name), encoding="ascii") as file:
            return file.read().strip()
    try:
        write("cgroup.procs", str(pid))
        write("freezer.state", "FROZEN")
        wait_until(lambda: read("freezer.state") == "FROZEN", 5, "it is frozen")
        yield
    finally:
        write("freezer.state", "THAWED")
        wait_until(lambda: not read("cgroup.procs"), 10, "it has died")
        os.rmdir(group)


def is_killed(pid):
    """True when a SIGKILL waits for it."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return any(int(line.split()[1], 16) >> signal.SIGKILL - 1 & 1 for line in file if line.startswith("SigPnd:"))


@pytest.mark.skipif(not os.access(FREEZER, os.W_OK), reason="no process can be frozen here")
def test_a_job_that_dies_slowly(battered):
    """Its template is not to blame, and the other jobs of that one are not ended with it."""
    client = settled(battered)
    counted, started = restarts(client), templates(battered)
    with ThreadPoolExecutor(1) as pool, socket.create_connection(("127.0.0.1", battered.port)) as leaves:
        leaves.sendall(request_bytes(SLEEP.format(30)))
        pid = process_of_job(battered)
        with frozen(pid):
            other = pool.submit(client.execute, SLEEP.format(5))
            leaves.close()
            wait_until(lambda: is_killed(pid), 3, "its client has left, so it is killed")
            assert other.result().result == "slept"
            assert alive(pid)
            assert (templates(battered), restarts(client)) == (started, counted)
    settled(battered)
    expect_jobs(battered, 4)
    assert (templates(battered), restarts(client)) == (started, counted)


@pytest.mark.parametrize("before, victim", (("", "full"), (FULL, "bare")), ids=("bare", "full"))
def test_an_end_that_is_not_read_yet(before, victim, battered):
    """The other template dies between the moment in which a job is waited for and the one in which the spawner hears of it."""
    client = settled(battered)

    def none_is_left_of_one_that_died():        # their parent is the spawner
        table, waiting = processes(), battered.waiting_pids()
        return len(waiting) == 2 * POOL and all(table.get(pid, [0])[0] in battered.template_pids() for pid in waiting)
    wait_until(none_is_left_of_one_that_died, 10, "all that wait are children of a template")
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(client.execute, before + SEEN)
        pid, dies = process_of_job(battered), templates(battered)[victim]
        wait_until(lambda: len(os.listdir(f"/proc/{pid}/task")) > 1, 5, "the script has begun")
        kill([battered.pid], signal.SIGSTOP)
        try:
            kill([pid], signal.SIGTERM)
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 5, "its template has waited for it")
            kill([dies])
            wait_until(lambda: not alive(dies), 5, "the other one is dead")
        finally:
            kill([battered.pid], signal.SIGCONT)
        assert (job.result().code, job.result().details["signal"]) == ("CRASHED", "SIGTERM")
    settled(battered)


def test_a_template_that_hangs_in_the_self_test():
    """The service does not start, instead of waiting for ever; a slow machine has 20 s for it."""
    standard = os.environ.get("SAFE_EXEC_TEST_LEVEL") == "standard"
    server = Server({"ISOLATION": "auto" if standard else "strong"}).start(wait_ready=False)
    try:
        wait_until(lambda: "the bare template serves" in server.log(), 60, "a template serves, and the other one imports")
        kill([templates(server)["bare"]], signal.SIGSTOP)
        assert server.process.wait(60) > 0
        assert "the bare template is killed: a fork does not come" in server.log()
        assert "(warm, bare template) cannot be run here" in server.log()
    finally:
        server.kill()


# -- fresh templates --------------------------------------------------------------------------------------------------------


def test_worn_templates_are_replaced():
    """After some forks comes another hash seed and address layout, and no job notices."""
    with Server({"POOL_SIZE": POOL, "TEMPLATE_MAX_FORKS": "20", "MAX_CONCURRENCY": "2"}) as server:
        client, first = settled(server), templates(server)
        hashes, places = set(), set()

        def run(n):
            for text in ("", FULL):
                answer = Client(server).result(f"{text}def main(): return [{n}, hash('a'), id(object())]")
                assert answer[0] == n
                hashes.add(answer[1])
                places.add(answer[2])
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run, range(60)))
        wait_until(lambda: (run(0), len(hashes) > 2 and len(places) > 2)[1], 20, "several seeds and layouts")
        health = client.health()["templates"]
        assert all(template["replaced"] > 0 and template["restarts"] == 0 for template in health.values())
        settled(server)
        wait_until(lambda: len(server.template_pids()) == 2 and len(server.waiting_pids()) == 2 * POOL, 10,
                   "the worn ones and their children are gone")
        assert not set(first.values()) & set(server.template_pids())
        assert "ERROR" not in server.log()


# -- what cannot be imported ---------------------------------------------------------------------------------------------------


def test_a_missing_warm_import_is_fatal():
    done = run_once("--check", env={"WARM_IMPORTS": "nosuchmodule"})
    assert done.returncode > 0
    assert "ModuleNotFoundError: No module named 'nosuchmodule'" in done.stderr and "WARM_IMPORTS" in done.stderr


@pytest.mark.parametrize("value", ("a;b", "1x", "a,,b", ",", "numpy, pandas", "numpy pandas", "../x", "-c"))
def test_names_that_are_none_are_fatal(value):
    done = run_once("--check", env={"WARM_IMPORTS": value})
    assert done.returncode > 0 and f'WARM_IMPORTS="{value}"' in done.stderr


# -- other interpreters -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=(os.path.join(ROOT, "build"), "/tmp"), ids=("elsewhere", "below /tmp"))
def venv(request):
    """The interpreter of a virtual environment on top of the system's Python, with modules of its own."""
    os.makedirs(request.param, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="test-venv-", dir=request.param)
    try:
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", "--system-site-packages", folder], check=True, timeout=60)
        interpreter = os.path.join(folder, "bin", "python3")
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        packages = subprocess.run([interpreter, "-c", where], check=True, timeout=60, stdout=subprocess.PIPE,
                                  text=True).stdout.strip()
        with open(os.path.join(packages, "only_here.py"), "w", encoding="utf-8") as file:
            file.write("GREETING = 'from the venv'\n")
        with open(os.path.join(packages, "starts_a_thread.py"), "w", encoding="utf-8") as file:
            file.write("import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n")
        with open(os.path.join(packages, "draws_ahead.py"), "w", encoding="utf-8") as file:
            file.write("import random, tempfile, uuid\nimport numpy\n"
                       "random.gauss(0, 1), numpy.random.randn(), uuid.uuid1()\n"
                       "with tempfile.TemporaryFile() as file:\n    file.write(b'there is a /tmp')\n")
        os.chmod(folder, 0o755)
        yield interpreter
    finally:
        shutil.rmtree(folder)


def test_an_import_that_starts_a_thread_is_fatal(venv):
    done = run_once("--check", env={"PYTHON_BIN": venv, "WARM_IMPORTS": "starts_a_thread"})
    assert done.returncode > 0
    assert "threads" in done.stderr and "WARM_IMPORTS" in done.stderr


def test_an_import_that_draws_numbers_gives_none_away(venv):
    """Normal numbers come in pairs: the second one of a pair that an import drew is no job's."""
    script = ("import random, uuid\nimport numpy as np\n"
              "def main(): return [random.gauss(0, 1), np.random.randn(), uuid.uuid1().hex]\n")
    with Server({"PYTHON_BIN": venv, "WARM_IMPORTS": "numpy,draws_ahead", "POOL_SIZE": POOL}) as server:
        draws = [settled(server).result(script) for _ in range(4)]
    for kind in zip(*draws):
        assert len(set(kind)) == len(draws), draws


def test_venv(venv):
    """Its interpreter is the template, and its packages can be imported, warm and on demand."""
    with Server({"PYTHON_BIN": venv, "WARM_IMPORTS": "numpy,only_here", "POOL_SIZE": POOL}) as server:
        client = settled(server)
        assert set(client.health()["templates"]) == {"bare", "full"}
        prefix = client.result("import sys\ndef main(): return [sys.prefix, sys.executable, sys.prefix != sys.base_prefix]")
        assert prefix == [os.path.dirname(os.path.dirname(venv)), venv, True]
        early = "import sys\nwas = 'only' + '_here' in sys.modules\nimport {}\ndef main(): return [was, {}.GREETING]"
        assert client.result(early.format("only_here", "only_here")) == [True, "from the venv"]
        hidden = "def main(): return __import__('only' + '_here').GREETING"
        assert client.result(hidden) == "from the venv"
        assert client.result("import numpy\ndef main(): return numpy.ones(3).sum()") == 3.0


def other_pythons():
    """{version: interpreter}: one of each minor version that pyenv has, from 3.9 on."""
    found, base = {}, os.path.expanduser("~/.pyenv/versions")
    for name in os.listdir(base) if os.path.isdir(base) else ():
        version = tuple(int(part) for part in name.split(".")) if re.fullmatch(r"\d+\.\d+\.\d+", name) else ()
        path = os.path.join(base, name, "bin", "python3")
        if version[:2] >= (3, 9) and version[:2] != DEBIAN_VERSION and os.access(path, os.X_OK):
            found[version[:2]] = (name, path)
    return [found[version] for version in sorted(found)]


OTHERS = other_pythons() or [("none", None)]


@pytest.mark.parametrize("name, path", OTHERS, ids=[name for name, _ in OTHERS])
def test_other_versions_of_python(name, path):
    """The module that makes a template is one build for all of them."""
    if path is None:
        pytest.skip("no other versions of Python are installed")
    if os.geteuid() != 0 or os.environ.get("SAFE_EXEC_TEST_USER"):
        pytest.skip("they lie where only root can read")
    with Server({"PYTHON_BIN": path, "POOL_SIZE": "1"}) as server:
        client = settled(server, pool=1)
        assert "bare" in client.health()["templates"]
        assert client.result(IS_WARM) is True
        assert client.result("import platform\ndef main(): return platform.python_version()") == name
        draws = [client.result("import random, uuid\ndef main(): return [random.random(), str(uuid.uuid4())]")
                 for _ in range(8)]
        assert len({draw[0] for draw in draws}) == len({draw[1] for draw in draws}) == 8
        expect_fork_hooks(client)
        expect_jobs(server, 8, threads=4)
        assert client.execute("def main(): 1 / 0").details["type"] == "ZeroDivisionError"
        asynchronous = "import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    return 'awaited'"
        assert client.result(asynchronous) == "awaited"


# -- the answer goes out first -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ("'x' * 100000", "'\\n'.join(map(str, range(17000)))"), ids=("one line", "many lines"))
def test_early_answer_has_all_of_stdout(line, either):
    """The result comes to its end when stdout has been written, and that may be more than a pipe holds."""
    client, wanted = Client(either), eval(line) + "\n"
    assert len(wanted) > 90000
    for _ in range(5):
        answer = client.execute(f"def main():\n    print({line})\n    return 1")
        assert (answer.result, answer.stdout) == (1, wanted)


def test_early_answer_reads_a_large_pipe_to_its_end(either):
    """All of stdout lies in the pipe, unread, when the result comes to its end."""
    script = "import fcntl\ndef main():\n    fcntl.fcntl(1, 1031, 1 << 20)\n    print('x' * 190000)"   # F_SETPIPE_SZ
    def run(_):
        answer = Client(either).execute(script)
        return answer.result is None and len(answer.stdout)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(run, range(20))) == {190001}


LEFT_BEHIND = {
    "a child that holds stdout": "import os, time\ndef main():\n    if os.fork() == 0:\n        time.sleep(60)\n"
                                 "        os._exit(0)\n    print('out')\n    return 'done'",
    "a daemon thread": "import threading, time\ndef main():\n"
                       "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
                       "    print('out')\n    return 'done'",
    "a program that holds stdout": "import subprocess, sys\ndef main():\n    subprocess.Popen([sys.executable, '-c',"
                                   " 'import time; time.sleep(60)'])\n    print('out')\n    return 'done'",
}


@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_what_a_script_leaves_behind_is_not_waited_for(what, either, can_fork):
    if not can_fork and "thread" not in what:
        pytest.skip("jobs cannot create processes at this level of isolation")
    answer = Client(either).execute(LEFT_BEHIND[what])
    assert (answer.result, answer.stdout) == ("done", "out\n")      # and not TIMEOUT
    wait_until(lambda: not either.job_pids(), 5, "what it left is killed")


@pytest.mark.parametrize("before", ("", FULL), ids=("bare", "full"))
def test_server_timing(before, ready):
    answer = ready.execute(before + SLEEP.format(0.1))
    timing = dict(re.findall(r"(\w+);dur=([\d.]+)", answer.header("Server-Timing")))
    assert float(timing["queue"]) >= 0 and 100 <= float(timing["run"]) < 5000


# -- limits -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=(1, 0), ids=("waiting", "forking"))
def limited(request):
    with Server({"POOL_SIZE": request.param, "MEM_LIMIT_MB": "160", "TIME_LIMIT_SEC": "2.5", "CPU_LIMIT_SEC": "1",
                 "NPROC_LIMIT": "16", "NOFILE_LIMIT": "64", "MAX_CONCURRENCY": "2"}) as server:
        yield settled(server, pool=request.param)


def test_limits_cannot_be_raised(limited):
    script = """
import resource
def main():
    refused, allowed, infinite = [], [], []
    for name in dir(resource):
        if name.startswith("RLIMIT_"):
            number = getattr(resource, name)
            soft, hard = resource.getrlimit(number)
            if hard == resource.RLIM_INFINITY:
                infinite.append(name)
                continue
            try:
                resource.setrlimit(number, (soft, hard + 1))
                allowed.append(name)
            except (ValueError, PermissionError):
                refused.append(name)
    return [refused, allowed, infinite]
"""
    refused, allowed, _ = limited.result(script)
    assert allowed == []
    assert {"RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE"} <= set(refused)
    assert limited.result("import resource\ndef main(): return resource.getrlimit(resource.RLIMIT_NOFILE)") == [64, 64]


@pytest.mark.parametrize("before", ("", FULL), ids=("bare", "full"))
def test_memory_limit(before, limited):
    """What the template has is not the job's; what the job takes is, until it is too much."""
    script = before + "import time\ndef main():\n    block = b'x' * ({} << 20)\n    time.sleep(0.2)\n" \
                      "    return len(block) >> 20"
    assert limited.result(script.format(100)) == 100
    answer = limited.execute(script.format(170))
    assert answer.code == "MEMORY_LIMIT"
    piecemeal = before + "import time\ndef main():\n    blocks = []\n    while True:\n" \
                         "        blocks.append(b'x' * (1 << 20))\n        time.sleep(0.001)"
    assert limited.execute(piecemeal).code == "MEMORY_LIMIT"
    assert limited.result(script.format(100)) == 100


def test_time_limits(limited):
    """Of the wall clock and of the processor; the time for which a child has waited is not the job's."""
    time.sleep(1.2)                     # longer than CPU_LIMIT_SEC
    assert limited.result("import time\ndef main(): return time.process_time() < 0.5") is True
    with ThreadPoolExecutor(2) as pool:
        sleeps = pool.submit(limited.execute, SLEEP.format(30))
        works = pool.submit(limited.execute, "def main():\n    while True: pass")
        assert works.result().code == "TIMEOUT" and works.result().details["limit"] == "cpu"
        assert sleeps.result().code == "TIMEOUT" and sleeps.result().details == {"limit": "wall", "seconds": 2.5}


def test_process_limit(limited, can_fork):
    script = """
import threading, time
def main():
    threads = []
    try:
        for _ in range(100):
            threads.append(threading.Thread(target=time.sleep, args=(0.3,), daemon=True))
            threads[-1].start()
    except RuntimeError:
        return len(threads) - 1
    return "no limit"
"""
    counts = [limited.result(script) for _ in range(2)]
    assert all(8 <= count < 16 for count in counts), counts
