# SPDX-License-Identifier: MIT
"""After a mixed load nothing is left: processes, mounts, files, groups, descriptors, memory. Named to run last."""

import concurrent.futures
import json
import os
import random
import re
import socket

import pytest

from harness.client import Client, request_bytes
from harness.looks import assert_no_more_files, files_left, groups_of, mounts_seen, quiet, sanitized
from harness.server import Server, descendants, processes, wait_until

SETTINGS = {"TIME_LIMIT_SEC": "1", "MEM_LIMIT_MB": "192", "MAX_CONCURRENCY": "2", "MAX_QUEUE": "200"}
REQUESTS, WARM_UP = 300, 60
# Growth after the warm-up: a leak of a kilobyte for each request would not stay below.
MARGIN_KB = {"spawner": 200, "web": 300, "template 0": 100, "template 1": 100}
SANITIZED_KB = 200 << 10  # the sanitizers keep what was freed

OK = "def main():\n    print('x' * 1000)\n    return list(range(1000))\n"
SCRIPTS = (
    [OK] * 8 +
    ["def main():\n    raise ValueError('x' * 10000)\n", "def main(:\n", "x = 1\n",
     "def main():\n    return {1, 2}\n",
     "import nothing_of_that_name\ndef main(): pass\n", "import os\ndef main():\n    os.abort()\n",
     "import os\ndef main():\n    os._exit(3)\n", "def main():\n    return 'x' * 2000000\n",
     "import os\ndef main():\n    os.write(3, b'forged')\n", "def main():\n    print('x' * 300000)\n",
     "import time\ndef main():\n    time.sleep(9)\n", "def main():\n    return bytearray(1 << 31)\n",
     "import os, time\ndef main():\n    for _ in range(5):\n        if os.fork() == 0:\n            os.setsid()\n"
     "            time.sleep(9)\n    open('/dev/shm/left', 'wb').write(b'x' * 4000000)\n    return 1\n",
     "import mmap\ndef main():\n    m = mmap.mmap(-1, 400 << 20)\n"
     "    for i in range(0, 400 << 20, 4096):\n        m[i] = 1\n"])
CANCEL = "import time\ndef main():\n    time.sleep(0.5)\n"


def _cancel(server, dice):
    """A client that leaves: in the middle of its request, or while its script runs."""
    data = request_bytes(CANCEL)
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(data[:dice.choice((10, len(data) - 5, len(data)))])
        connection.settimeout(dice.choice((0.01, 0.1)))
        try:
            connection.recv(1)
        except socket.timeout:
            pass


def _load(server, count):
    """So many requests of all kinds, a few at a time: {code: how often}."""
    client, codes, dice = Client(server), {}, random.Random(count)

    def one(number):
        if number % 6 == 5:
            _cancel(server, dice)
            return "cancelled"
        if number % 25 == 7:
            return client.post(b"{no json").code
        return client.execute(dice.choice(SCRIPTS)).code

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for code in pool.map(one, range(count)):
            codes[code] = codes.get(code, 0) + 1
    client.close()
    wait_until(lambda: not server.job_pids(), 10, "no job runs")
    return codes


@pytest.mark.skipif(os.getuid() != 0, reason="only root may look into the service's processes")
def test_nothing_is_left():
    files, mounts = files_left(), mounts_seen()
    server = Server(SETTINGS).start()
    try:
        pid = server.pid            # or it is skipped here, where nothing of it is to be seen
        identity = server.identity()
        fresh = quiet(server)["web"][0]
        _load(server, WARM_UP)
        before = quiet(server, fresh)
        codes = _load(server, REQUESTS)
        after = quiet(server, fresh)
        print(json.dumps({"codes": {str(code): n for code, n in codes.items()},
                          "KB before and after": {name: [before[name][1], after[name][1]] for name in before},
                          "descriptors": {name: len(after[name][0]) for name in after}}))
        assert {None, "EXCEPTION", "TIMEOUT", "MEMORY_LIMIT", "CRASHED", "BAD_BODY", "cancelled"} <= set(codes)
        assert "INTERNAL" not in codes and "OVERLOADED" not in codes, codes
        assert server.identity() == identity, "a process of the service was restarted"
        for name, (kinds, kilobytes) in before.items():
            assert after[name][0] == kinds, f"{name} holds other descriptors"
            margin = SANITIZED_KB if sanitized() else MARGIN_KB[name]
            assert after[name][1] - kilobytes <= margin, f"{name}: {kilobytes} KB became {after[name][1]} KB"
        wait_until(lambda: sorted([server.pid, *descendants(server.pid)]) == server.idle_pids(), 5,
                   "no process but those that wait for a job")
        zombies = [pid for pid, (parent, state, _) in processes().items() if state == "Z" and parent in identity]
        assert zombies == [], "zombies"
        assert mounts_seen() == mounts, "the machine's mount table changed"
    finally:
        server.stop()
    assert_no_more_files(files)
    assert groups_of(pid) == [], "control groups left"
    assert mounts_seen() == mounts


def _seen_inside(server):
    """(names of processes, zombies, {folder: names}) in the container of a service; random parts of names are left out."""
    seen = server.inside()
    # The folders of uids and of children that wait for a job stay, and are empty: test_platform.py looks into them.
    files = {place: sorted(re.sub("^job-[0-9a-f]{32}$", "job-", name) for name in names if not name.isdigit())
             for place, names in seen["files"].items()}
    alive = {name for _, state, name in seen["processes"].values() if state != "Z"}
    return sorted(alive), sum(state == "Z" for _, state, _ in seen["processes"].values()), files


@pytest.mark.skipif(not Server.contained, reason="about a container, whatever can be seen of it from the machine")
def test_nothing_is_left_in_the_container():
    """The same by a command inside: no process but those that wait, no file, no folder more; and the service answers."""
    with Server(SETTINGS) as server:
        _load(server, WARM_UP)
        wait_until(lambda: _seen_inside(server)[1] == 0, 10, "no zombie after the warm-up", interval=0.5)
        before, identity = _seen_inside(server), server.identity()
        codes = _load(server, REQUESTS)
        assert {None, "EXCEPTION", "TIMEOUT", "CRASHED", "BAD_BODY", "cancelled"} <= set(codes), codes
        assert "INTERNAL" not in codes and "OVERLOADED" not in codes, codes
        assert server.identity() == identity, "a process of the service was restarted"
        try:
            wait_until(lambda: _seen_inside(server) == before, 10, "as before", interval=0.5)
        except AssertionError:
            assert _seen_inside(server) == before, "the container does not look as before the load"
        assert Client(server).result("def main(): return 'next'") == "next"


def test_a_killed_service_leaves_nothing_for_the_next():
    """SIGKILL may leave empty control groups, which the next start removes; files and mounts it cannot leave."""
    files, mounts = files_left(), mounts_seen()
    server = Server(SETTINGS).start()
    pid = server.pid if server.visible else None
    server.kill()
    assert_no_more_files(files)
    assert mounts_seen() == mounts
    with Server(SETTINGS):
        pass
    assert groups_of(pid) == [], "control groups left"
