"""Minutes per contact from reports, and what they make of the catalogue."""

from pathlib import Path

import pytest

from router.ledger.contacts import mix_minutes
from tests.unit.router.ledger.journal_builder import CATALOGUE, advised, came, chose, told

PHONE = "DIALOGUE_AND_PHONE"


def test_longer_calls_make_the_mixes_that_call_longer(tmp_path: Path) -> None:
    advice = [advised(f"c-{number}", PHONE) for number in range(30)]
    ledger = told(
        tmp_path,
        [
            *advice,
            *(chose(one, PHONE) for one in advice),
            *(came(one, PHONE=(2, 54)) for one in advice),
        ],
    )
    (phone,) = [one for one in ledger.contacts if one.channel == "PHONE"]
    assert phone.minutes is not None
    assert (phone.minutes.value, phone.catalogue) == (27.0, 18.0)
    assert (phone.contacts, phone.planned_contacts) == (2.0, 3.0)
    found = {one.mix: one for one in mix_minutes(ledger.contacts, CATALOGUE)}
    light, phoned = found["SELF_SERVICE"], found[PHONE]
    assert (light.catalogue, light.reestimated) == (8, 8.0)
    assert phoned.catalogue == 83
    assert phoned.reestimated == pytest.approx(83 + 3 * 9)


def test_a_channel_with_fewer_than_thirty_reports_is_not_told(tmp_path: Path) -> None:
    advice = [advised(f"c-{number}", PHONE) for number in range(29)]
    ledger = told(tmp_path, [*advice, *(came(one, PHONE=(2, 54)) for one in advice)])
    assert [one.minutes for one in ledger.contacts if one.channel == "PHONE"] == [None]
