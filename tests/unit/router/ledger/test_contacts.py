"""Minutes per contact from reports, and what they make of the catalogue; offices beside each other."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from router.journal.stores.sqlite import SqliteJournal
from router.ledger.contacts import mix_minutes
from router.ledger.estimates import ratio, share
from router.ledger.practice import practices
from router.ledger.reading import read_entries
from tests.unit.router.ledger.journal_builder import (
    CATALOGUE,
    MONDAY,
    advised,
    came,
    chose,
    many,
    told,
)

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
    assert (phone.minutes.value, phone.catalogue, phone.contacts, phone.planned_contacts) == (
        27.0,
        18.0,
        2.0,
        3.0,
    )
    found = {
        one.mix: (one.catalogue, one.reestimated) for one in mix_minutes(ledger.contacts, CATALOGUE)
    }
    assert found["SELF_SERVICE"] == (8, 8.0)
    assert found[PHONE] == (83, pytest.approx(83 + 3 * 9))


def test_a_channel_with_fewer_than_ten_reports_is_not_told(tmp_path: Path) -> None:
    advice = [advised(f"c-{number}", PHONE) for number in range(9)]
    ledger = told(tmp_path, [*advice, *(came(one, PHONE=(2, 54)) for one in advice)])
    assert [one.minutes for one in ledger.contacts if one.channel == "PHONE"] == [None]


def test_the_interval_of_minutes_per_contact_covers_the_truth_about_nine_times_in_ten() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        contacts = rng.integers(1, 6, 60).astype(float)
        found = ratio(contacts * rng.normal(20, 6, 60), contacts)
        covered += found.low <= 20 <= found.high
    assert 0.85 <= covered / 400 <= 0.94


def test_a_share_stays_within_nothing_and_all() -> None:
    assert (share(np.ones(10)).high, share(np.zeros(10)).low) == (1.0, 0.0)
    assert 0.7 < share(np.ones(10)).low < 0.9


def practice_of(
    folder: Path, own: list[str], sizes: dict[str, tuple[int, str]]
) -> dict[str, object]:
    store = SqliteJournal(folder / "journal.db")
    for office, (count, mix) in sizes.items():
        store.write_batch(
            many(count, prefix=office, office=office, mix=mix, need_group="NEEDS_GUIDANCE")
        )
    entries, _ = read_entries(store)
    store.close()
    found = practices(entries, own, sorted(sizes), MONDAY, MONDAY + timedelta(days=7))
    return {one.group: one for one in found}


def test_practice_is_held_beside_the_other_offices_and_names_none_of_them(tmp_path: Path) -> None:
    sizes = {
        "a": (10, "BLENDED_OFFICE"),
        "b": (12, PHONE),
        "c": (30, PHONE),
        "d": (10, "SELF_SERVICE"),
    }
    one = practice_of(tmp_path, ["a"], sizes)["NEEDS_GUIDANCE"]
    assert (one.own, one.lowest, one.median, one.highest, one.offices) == (
        150.0,
        8.0,
        83.0,
        83.0,
        3,
    )
    assert (one.own_mix, one.usual_mix, one.usual_at) == ("BLENDED_OFFICE", PHONE, 2)


def test_fewer_than_three_other_offices_with_ten_cases_are_not_compared(tmp_path: Path) -> None:
    sizes = {"a": (10, PHONE), "b": (12, PHONE), "c": (30, PHONE), "d": (9, PHONE)}
    assert practice_of(tmp_path, ["a"], sizes) == {}
