"""Every fault in its short form; `make faults` does them at full size."""

import os
from pathlib import Path

import pytest

from tests.faults.fault import Fault, NotHere
from tests.faults.matrix import MATRIX


@pytest.mark.parametrize("one", [one for one in MATRIX if one.short], ids=lambda one: one.name)
def test_what_must_hold_holds_under(one: Fault, tmp_path: Path) -> None:
    try:
        one.run(one.short, tmp_path)
    except NotHere as why:
        if os.environ.get("ROUTER_REQUIRE_TOOLS"):
            raise
        pytest.skip(str(why))
