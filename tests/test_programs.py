# SPDX-License-Identifier: MIT
"""Honest programs: through the service they must give exactly what a direct run gives."""

import pytest

from harness import contract, programs
from harness.facts import facts_of

# A program that a quarter of a second on an idle machine may need more on a busy one.
ROOMY = {"TIME_LIMIT_SEC": "20", "CPU_LIMIT_SEC": "20"}
NEED_PROCESSES = ("process_", "subprocess_", "futures_processes", "asyncio_subprocess",
                  "pandas_multiprocessing")
NEED_MODES = ("stdlib_pathlib_tempfile",)


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_program(name, fleet, request):
    if name.startswith(NEED_PROCESSES) and not request.getfixturevalue("can_fork"):
        pytest.skip("jobs cannot create processes at this level of isolation")
    if name in NEED_MODES and facts_of(fleet.server(ROOMY))["modes pretended"]:
        pytest.skip("no mode of a file can be changed here (src/jail/modes.c): cases/modes-missing-files")
    result, stdout = programs.run_directly(name)
    answer = fleet.client(ROOMY).execute(programs.read(name))
    assert answer.status == 200, repr(answer)
    assert contract.result_text(answer.body) == result
    assert answer.stdout == stdout


def test_there_are_programs():
    assert len(programs.PROGRAMS) >= 60
