"""Offices beside each other: what is usual, and nobody named."""

from datetime import timedelta
from pathlib import Path

from router.journal.stores.sqlite import SqliteJournal
from router.ledger.practice import Practice, agreed, practices
from router.ledger.reading import read_entries
from tests.unit.router.ledger.journal_builder import MONDAY, many

PHONE = "DIALOGUE_AND_PHONE"


def practice_of(
    folder: Path, own: list[str], sizes: dict[str, tuple[int, str]]
) -> dict[str, Practice]:
    store = SqliteJournal(folder / "journal.db")
    for office, (count, mix) in sizes.items():
        store.write_batch(
            many(count, prefix=office, office=office, mix=mix, need_group="NEEDS_GUIDANCE")
        )
    entries, _ = read_entries(store)
    store.close()
    last = MONDAY + timedelta(days=7)
    offices = {
        office: agreed(entries.where(entries.office == office), MONDAY, last) for office in sizes
    }
    found = practices(offices, own)
    return {one.group: one for one in found}


def test_practice_is_held_beside_the_other_offices_and_names_none_of_them(tmp_path: Path) -> None:
    sizes = {
        "a": (30, "BLENDED_OFFICE"),
        "b": (40, PHONE),
        "c": (50, PHONE),
        "d": (30, "SELF_SERVICE"),
    }
    one = practice_of(tmp_path, ["a"], sizes)["NEEDS_GUIDANCE"]
    assert (one.own, one.offices) == (150.0, 3)
    assert (one.lowest, one.median, one.highest) == (8.0, 83.0, 83.0)
    assert (one.own_mix, one.usual_mix, one.usual_at) == ("BLENDED_OFFICE", PHONE, 2)


def test_fewer_than_three_other_offices_with_thirty_cases_are_not_compared(tmp_path: Path) -> None:
    sizes = {"a": (30, PHONE), "b": (40, PHONE), "c": (50, PHONE), "d": (29, PHONE)}
    assert practice_of(tmp_path, ["a"], sizes) == {}
