# SPDX-License-Identifier: MIT
"""Every directory below tests/cases/ is one test: a request, and what must come back."""

import time

import pytest

from harness import cases
from harness.client import Client
from harness.facts import facts_of

CASES = cases.load_all()
# Nothing may take longer than the limits plus the time to clean up, however it ends.
MAX_SECONDS = 30


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case, fleet, request):
    if "processes" in case.needs and not request.getfixturevalue("can_fork"):
        pytest.skip("jobs cannot create processes at this level of isolation")
    server = fleet.server(case.server)
    if "strong" in case.needs and facts_of(server)["level"] != "strong":
        pytest.skip("only a jail with mounts of its own promises this")
    client = Client(server)
    before = server.identity()
    body = case.body()

    started = time.monotonic()
    answer = client.post(iter([body]) if case.expect.get("chunked") else body, case.headers)
    seconds = time.monotonic() - started

    assert seconds < case.expect.get("max_seconds", MAX_SECONDS)
    cases.compare(answer, case.expect, facts_of(server))
    if answer.status != 200:
        assert client.result("def main(): return [1]") == [1], "the next script suffered"
    assert server.identity() == before, "the service was restarted"
