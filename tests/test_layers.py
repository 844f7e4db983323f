# SPDX-License-Identifier: MIT
"""Each layer is needed: a test build leaves one out, and the attacks that the table names get through, no others.

    make build/safe-exec-drop      (SAFE_EXEC_TEST_DROP=<layer[,layer]> leaves layers out, and only in that build)

layers.json has a row for each: what is dropped; "refuses", words of the error where the service's own self-test sees
the breach and does not start; "red", the attacks of tests/escape/ that must succeed then, and no others ("red in cold",
"red in warm": with this START besides); "may be red", those that do when they happen to meet what the layer hides; "bombs" of bombs/, run for the rows that name them; "only", the attacks to run if
not all of tests/escape/; "user", to be started as this user; "level", "standard" where namespaces are refused (see
harness/server.py). An attack that needs what is not there says nothing and is left out. A pair
is dropped where one layer backs the other up; "why" says so.
"""

import concurrent.futures
import contextlib
import json
import os
import re

import pytest

from harness.facts import facts_of
from harness.server import ROOT, Server, StartFailed
from test_escape import ATTACKS, SETTINGS, Machine, problem_of

DROP_BUILD = os.environ.get("SAFE_EXEC_DROP_BIN", "build/safe-exec-drop")
WIDE = {"MAX_CONCURRENCY": "4"}  # attacks mostly wait
QUICK = {"WARM_IMPORTS": ""}     # none of them needs numpy, and each row starts services
START = os.environ.get("SAFE_EXEC_TEST_START", "warm")
LAYERS = ("cgroup", "pid", "net", "ipc", "uts", "mounts", "readonly", "proc", "limits", "identity", "landlock",
          "descriptors", "filter", "wall", "memory", "cpu", "modes", "one_process")
# Can be dropped, and has no row: why.
NO_ROW = {"own_uid": "nothing runs without it, since a job's directory belongs to its uid; and what was made for the job could "
                     "not be removed again, by this service or the next one. identity.py looks at the uid itself",
          "join": "no layer: it makes the kernel one in which no process enters the namespaces of another, as gVisor's is",
          "chroot": "it is there only in the image, whose tree is its root: tests/platform looks at it there"}

# What holds by the way the launcher, the runner and the reader of the pipes work, by the kernel alone, or by
# more than two layers, and not by one that can be dropped.
NO_LAYER = ("environment", "shared-descriptors", "device-times", "set-uid-programs",
            "bombs/output-much", "bombs/left-running", "bombs/result-flood", "bombs/memory-in-pipes", "bombs/files-full",
            "bombs/directories-full", "bombs/result-wide", "bombs/result-deep", "bombs/result-costly",
            *(f"bombs/death-{when}" for when in (
                "before-main", "in-atexit", "in-atexit-by-signal", "in-del", "in-conversion", "while-sending",
                "while-sending-quietly", "after-result", "of-the-first-thread")))

with open(os.path.join(ROOT, "tests", "layers.json"), encoding="utf-8") as _file:
    TABLE = json.load(_file)["rows"]

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0 or bool(os.environ.get("SAFE_EXEC_TEST_USER")),
                       reason="the table is for a service that starts as root"),
    pytest.mark.skipif(not os.path.exists(os.path.join(ROOT, DROP_BUILD)), reason=f"no {DROP_BUILD}"),
]


@pytest.fixture(autouse=True)
def drop_build(monkeypatch):
    monkeypatch.setenv("SAFE_EXEC_BIN", DROP_BUILD)


@pytest.fixture(scope="module")
def machine():
    made = Machine()
    yield made
    made.close()  # not assert_untouched: that some get through is the point


def _start(row, skip_selftest, settings=SETTINGS):  # pylint: disable=dangerous-default-value  # read only
    settings = {**settings, **QUICK, **(WIDE if settings == SETTINGS else {}), "SAFE_EXEC_TEST_DROP": row["drop"]}
    if skip_selftest:
        settings["SAFE_EXEC_TEST_SKIP_SELFTEST"] = "1"
    wanted = {"SAFE_EXEC_TEST_USER": row.get("user"), "SAFE_EXEC_TEST_LEVEL": row.get("level")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in wanted.items():
            if value:
                patch.setenv(name, value)
        return Server(settings).start()


@contextlib.contextmanager
def _running(row, settings=SETTINGS):  # pylint: disable=dangerous-default-value  # read only
    """A server without the layers of this row. It may leave processes of jobs behind: they end by themselves."""
    server = _start(row, True, settings)
    try:
        yield server
    finally:
        server.kill()


def _red(row, machine):
    """The attacks that are not refused as they should be."""
    dropped = set(row["drop"].split(",")) - {""}
    chosen = [attack for attack in ATTACKS if not attack.unsafe_without & dropped and "x86_64" not in attack.needs and
              (attack.name in row.get("bombs", ()) or not attack.is_bomb and attack.name in row.get("only",
                                                                                                    [attack.name]))]
    red = {}
    with _running(row) as server:
        chosen = [attack for attack in chosen if not attack.reason_to_skip(facts_of(server))]
        plain = [attack for attack in chosen if attack.settings == SETTINGS]
        with concurrent.futures.ThreadPoolExecutor(int(WIDE["MAX_CONCURRENCY"])) as pool:
            alone = [attack for attack in plain if attack.jobs > 1 or attack.runs > 1 or attack.is_bomb]
            together = [attack for attack in plain if attack not in alone]
            for attack, problem in zip(together, pool.map(lambda a: problem_of(a, server, machine), together)):
                red[attack.name] = problem
            for attack in alone:
                red[attack.name] = problem_of(attack, server, machine)
    for attack in chosen:
        if attack not in plain:
            with _running(row, attack.settings) as server:
                red[attack.name] = problem_of(attack, server, machine)
    return {name: problem for name, problem in red.items() if problem}


@pytest.fixture(scope="module")
def red_anyway(machine):
    """What is red with nothing dropped says nothing about a layer (test_escape.py reports it); asked once for each kind."""
    known = {}

    def of(row):
        kind = {name: row[name] for name in ("level", "user") if name in row}
        key = tuple(kind.items())
        if key not in known:
            bombs = [name for other in TABLE for name in other.get("bombs", ())
                     if {name: other[name] for name in ("level", "user") if name in other} == kind and kind.get("level")]
            known[key] = set(_red({"drop": "", "bombs": bombs, **kind}, machine))
        return known[key]
    return of


def _name_of(row):
    return "-".join([row["drop"], *(row[name] for name in ("level", "user") if name in row)])


def test_every_layer_has_a_row():
    """... in which it is dropped alone and something turns red, or the service refuses to start."""
    assert set(LAYERS) <= {row["drop"] for row in TABLE if row["red"] or row.get("bombs") or row.get("refuses")}
    with open(os.path.join(ROOT, "src", "jail", "prepare.c"), encoding="utf-8") as file:
        assert set(re.findall(r'\[DROP_\w+\] = "(\w+)"', file.read())) == {*LAYERS, *NO_ROW}


def test_every_attack_turns_red_somewhere():
    """An attack that fails whatever is dropped would prove nothing."""
    named = {name for row in TABLE for name in [*row["red"], *row.get("bombs", ()), *row.get("red in cold", ())]}
    known = {attack.name for attack in ATTACKS}
    assert named <= known, "the table names what does not exist"
    without = {attack.name for attack in ATTACKS if attack.unsafe_without or attack.needs & {"x86_64", "cgroup"}}
    assert known - named - without == set(NO_LAYER), "no row names these"


@pytest.mark.parametrize("row", [row for row in TABLE if row["red"] or row.get("bombs")], ids=_name_of)
def test_without(row, machine, red_anyway):
    if row.get("level") and not os.environ.get("SAFE_EXEC_TEST_ALL"):
        pytest.skip("for time: `tests/run --all`; that the service refuses to start is tested all the same")
    got = _red(row, machine)
    anyway = red_anyway(row) | set(row.get("may be red", ()))
    wanted = set(row["red"]) | set(row.get("bombs", ())) | set(row.get(f"red in {START}", ()))
    missing, more = wanted - set(got) - anyway, set(got) - wanted - anyway
    assert not missing, f"nothing happens without {row['drop']}: {sorted(missing)}"
    assert not more, "red besides the table: " + "\n".join(f"{name}: {got[name]}" for name in sorted(more))


@pytest.mark.parametrize("row", [row for row in TABLE if row.get("refuses")], ids=_name_of)
def test_refuses_to_start_without(row):
    settings = {} if row.get("level") == "standard" else {"ISOLATION": "strong"}    # no other level instead
    with pytest.raises(StartFailed) as failure:
        _start(row, skip_selftest=False, settings={**SETTINGS, **settings}).kill()
    assert "self-test" in str(failure.value) and row["refuses"] in str(failure.value)
