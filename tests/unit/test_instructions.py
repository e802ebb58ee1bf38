"""The core stays as short as it was: steps of the interpreter, which every machine counts alike."""

import json
import subprocess
import sys

import pytest

# Steps when they were last looked at, and a tenth more: who needs more raises them, and says why.
AT_MOST = {
    "read a case": (430, 18),
    "decide one": (3_750, 87),
    "decide 64": (3_080, 166),
    "decide and record one": (4_170, 102),
    "write one, BASIC": (410, 12),
    "write one, FULL": (10_270, 420),
    "write 64, FULL": (391_000, 14_650),
}


@pytest.fixture(scope="module")
def counted() -> dict[str, list[int]]:
    # In a process of its own: coverage would count its own steps.
    command = [sys.executable, "-m", "bench.instructions"]
    found: dict[str, list[int]] = json.loads(subprocess.check_output(command))
    return found


@pytest.mark.parametrize("part", AT_MOST)
def test_no_part_of_an_answer_takes_more_steps(part: str, counted: dict[str, list[int]]) -> None:
    instructions, calls = counted[part]
    most, most_calls = AT_MOST[part]
    assert instructions <= most
    assert calls <= most_calls


def test_every_part_has_its_bounds(counted: dict[str, list[int]]) -> None:
    assert counted.keys() == AT_MOST.keys()
