"""What several tests of the ledger begin with."""

from pathlib import Path

import pytest

from router.ledger.account import Ledger
from tests.unit.router.ledger.journal_builder import many, told


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Gives that of twenty cases."""
    return told(tmp_path, many(20))
