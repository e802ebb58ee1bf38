"""Every fault in its short form; `make faults` does them at full size."""

import os
from pathlib import Path

import pytest

from tests.faults.__main__ import PAGE, rows_of
from tests.faults.fault import Fault, NotAllowed, NotHere
from tests.faults.matrix import MATRIX


@pytest.mark.parametrize("one", [one for one in MATRIX if one.short], ids=lambda one: one.name)
def test_what_must_hold_holds_under(one: Fault, tmp_path: Path) -> None:
    try:
        one.run(one.short, tmp_path)
    except NotHere as why:
        if os.environ.get("ROUTER_REQUIRE_TOOLS") and not isinstance(why, NotAllowed):
            raise
        pytest.skip(str(why))


def test_the_page_of_reliability_has_a_line_for_every_fault_and_none_that_failed() -> None:
    lines = rows_of(PAGE.read_text(encoding="utf-8"))
    assert list(lines) == [one.name for one in MATRIX]
    assert not [line for line in lines.values() if "**FAILED**" in line]
