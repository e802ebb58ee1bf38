"""Own views against advice: what a journal tells, when nothing is told, and what leaders read."""

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.overrides import Setting, drawn, measure
from bench.two_tellings import carriers_of
from router.decision.policy import DisclosureShares, Exploration
from router.journal.feedback import (
    Choice,
    ChoiceReason,
    Direction,
    View,
    WishedBy,
    claim_of,
    feedback_record,
)
from router.journal.recommendation import Shares
from router.journal.record import Record
from router.journal.stores.sqlite import SqliteJournal
from router.ledger.account import Ledger
from router.ledger.by_case import read_by_case
from router.ledger.export import write_prometheus
from router.ledger.helps import departs
from router.ledger.overrides import (
    ENOUGH,
    REASONS,
    UNTOLD,
    UNVIEWED,
    Overrides,
    OwnViews,
    Place,
    Viewed,
    own_against_best,
    sums_of,
    viewed_in_tens,
)
from router.ledger.sequences import Effect
from router.ledger.shown import FOLLOWED_DAYS
from router.ledger.words import load_words
from tests.builders import a_catalogue, a_reading, a_recorded_recommendation, a_row
from tests.unit.router.ledger.journal_builder import came, many, micro, told
from tests.unit.training.data import journal_builder

IDS = a_catalogue().ids
BEST, NEAR, FAR, LIGHT = (
    IDS.index(one)
    for one in ("BLENDED_OFFICE", "DIALOGUE_AND_PHONE", "INTENSIVE_PERSONAL", "SELF_SERVICE")
)
SHARES = Shares(after_own_view=0.5, exploration=0.4, margin=0.02, among=IDS)
WORDS = load_words()


def in_their_tens(cases: Viewed) -> Viewed:
    """Tells cases of which the ledger tells, and of no others."""
    return viewed_in_tens(cases, carriers_of(cases.office, cases.day))


def advised(case: str, drawn: int, *, day: int = 0, **changes: Any) -> Record:
    """Gives advice on a case of which two mixes are about as good: e is 0.8 and 0.2."""
    expected = np.full(len(IDS), 0.1)
    expected[[BEST, NEAR]] = 0.5, 0.49
    columns: dict[str, Any] = {
        "mix": drawn,
        "status": 1,
        "weight": 1.0,
        "expected": expected,
        "permitted": (1 << len(IDS)) - 1,
        "propensity": 0.8 if drawn == BEST else 0.2,
    } | changes
    shares, shown = columns.pop("shares", SHARES), columns.pop("shown", "AFTER_OWN_VIEW")
    reading = a_reading(shares=shares)
    row = a_row(need_group="NEEDS_GUIDANCE")
    return a_recorded_recommendation(
        reading, case, "office-a", shown, at=micro(day), row=row, **columns
    )


def view(advice: Record, own: int, *, day: int = 1) -> Record:
    one = View(decision_id=uuid.UUID(bytes=advice.id), mix=IDS[own])
    return feedback_record(uuid.uuid4(), one, micro(day), claim_of(one))


def chose(advice: Record, mix: int, reason: str = "") -> Record:
    one = Choice(
        decision_id=uuid.UUID(bytes=advice.id),
        mix=IDS[mix],
        wished_by=WishedBy.BOTH,
        reason=ChoiceReason(reason),
        adviser_view=IDS[NEAR],
        direction=Direction.MORE,
    )
    return feedback_record(uuid.uuid4(), one, micro(2), claim_of(one))


def read(folder: Path, records: list[Record]) -> Viewed:
    store = SqliteJournal(folder / f"{uuid.uuid4().hex}.db")
    store.write_batch(sorted(records, key=lambda record: record.written_at))
    found = read_by_case(store, OwnViews)
    store.close()
    return found


def places(found: Viewed) -> list[str]:
    return [Place(one).name for one in found.place.tolist()]


def test_an_own_view_is_placed_by_what_the_lottery_could_have_advised(tmp_path: Path) -> None:
    cases: list[tuple[str, int, int, dict[str, Any]]] = [
        ("is the best", BEST, BEST, {}),
        ("drawn", NEAR, NEAR, {}),
        ("not drawn", BEST, NEAR, {}),
        ("another was drawn", LIGHT, NEAR, {}),
        ("too far from the best", BEST, FAR, {}),
        ("not permitted", BEST, NEAR, {"permitted": 1 << BEST}),
        ("not among those drawn", BEST, NEAR, {"shares": replace(SHARES, among=(IDS[BEST],))}),
        ("nobody knows among which", BEST, NEAR, {"shares": replace(SHARES, among=None)}),
        ("nothing is drawn", BEST, NEAR, {"shares": Shares(after_own_view=0.5)}),
    ]
    records: list[Record] = []
    for case, mix, own, changes in cases:
        advice = advised(case, mix, **changes)
        records += [advice, view(advice, own)]
    found = read(tmp_path, records)
    assert places(found) == ["SAME", "OWN", "BEST", "OTHER", *["ELSEWHERE"] * 5]
    assert found.weight[1:3].tolist() == pytest.approx([5.0, 1.25])
    assert found.expected.tolist() == pytest.approx([0.5] * 9)


def test_a_view_that_may_know_of_the_advice_is_no_own_view(tmp_path: Path) -> None:
    at_once, waits, assessed = (
        advised("shown at once", BEST, shown="SHOWN"),
        advised("never revealed", BEST),
        advised("assessed first", BEST, status=2),
    )
    # Told with the choice, after the advice was seen: it may be what the advice made of it.
    records = [at_once, waits, assessed, chose(at_once, NEAR), view(assessed, NEAR)]
    seen, later = advised("seen before", BEST, shown="SHOWN"), advised("seen before", NEAR, day=9)
    records += [seen, later, view(later, NEAR, day=10)]
    # Of two that wait the one that was revealed first counts: the other's view knows of it.
    first, second = advised("asked twice", BEST), advised("asked twice", NEAR, day=5)
    records += [first, second, view(second, NEAR, day=6), view(first, BEST, day=7)]
    found = read(tmp_path, records)
    assert places(found) == ["OWN"]


def test_choices_reasons_and_outcomes_are_read_of_the_case(tmp_path: Path) -> None:
    kept, left, again = advised("a", NEAR), advised("b", BEST), advised("b", BEST, day=30)
    late = advised("c", BEST)
    records = [
        *(kept, view(kept, NEAR), chose(kept, NEAR), came(kept, 1.0)),
        *(left, again, view(left, NEAR), chose(left, NEAR, "ADVICE_MISJUDGES_CASE")),
        *(came(again, 0.0), late, view(late, NEAR)),
    ]
    found = read(tmp_path, records)
    assert found.followed.tolist() == [1, 0, UNTOLD]
    assert [REASONS[one] if one != UNTOLD else None for one in found.reason.tolist()] == [
        None,
        ChoiceReason.ADVICE_MISJUDGES_CASE,
        None,
    ]
    assert np.nan_to_num(found.outcome, nan=-1).tolist() == [1.0, 0.0, -1.0]


def test_drawn_advice_of_the_service_has_the_chances_that_are_told(tmp_path: Path) -> None:
    by = journal_builder.a_recommender(
        exploration=Exploration(share=0.5, margin=0.05),
        disclosure=DisclosureShares(after_own_view=1, control=0),
    )
    decisions = journal_builder.recommended(600, by=by, office="office-a")
    store = SqliteJournal(tmp_path / "journal.db")
    at = journal_builder.micro(journal_builder.DAY)
    views = [View(decision_id=uuid.UUID(bytes=one.id), mix=IDS[NEAR]) for one in decisions]
    store.write_batch(decisions + [feedback_record(uuid.uuid4(), one, at, "") for one in views])
    found = read_by_case(store, OwnViews)
    store.close()
    # One over the chance, of those that were drawn so, adds up to all: 1 each on average.
    for place in (Place.OWN, Place.BEST):
        share = np.where(found.place == place, found.weight, 0.0)
        assert share.mean() == pytest.approx(1.0, abs=4 * share.std() / len(found) ** 0.5)
    assert set(places(found)) == {"OWN", "BEST", "OTHER"}


def some(place: Place, count: int, weight: float, reached: int, **columns: Any) -> Viewed:
    """Gives cases of whose every ten so many reach the goal."""
    usual: dict[str, Any] = {
        "office": np.full(count, "office-a", object),
        "day": np.zeros(count, np.int64),
        "place": np.full(count, int(place)),
        "weight": np.full(count, weight),
        "expected": np.full(count, 0.4),
        "outcome": (np.arange(count) % 10 < reached).astype(float),
        "followed": np.ones(count, np.int64),
        "reason": np.full(count, UNTOLD),
    }
    return Viewed(**(usual | columns))


def together(*parts: Viewed) -> Viewed:
    names = Viewed.__dataclass_fields__
    return Viewed(**{one: np.concatenate([getattr(part, one) for part in parts]) for one in names})


def compared(viewed: Viewed, offices: tuple[str, ...] = ("office-a",)) -> Overrides:
    told = in_their_tens(viewed)
    each = (told.where(told.office == office) for office in offices)
    return own_against_best([sums_of(one, FOLLOWED_DAYS) for one in each])


# 300 of them are weighed 10, 600 of them 1.25; in every ten 6 and 4 reach the goal, 4 of the rest.
PLAIN = together(
    some(Place.OWN, 300, 10.0, 6),
    some(Place.BEST, 600, 1.25, 4, followed=(np.arange(600) % 10 < 7).astype(np.int64)),
    some(Place.OTHER, 100, 10.0, 4),
    some(Place.SAME, 400, 1.0, 4),
    some(Place.ELSEWHERE, 207, 1.0, 4),
)


def test_the_figures_are_those_that_can_be_reckoned_by_hand() -> None:
    found = compared(PLAIN)
    assert found.outcome is not None
    assert found.outcome.value == pytest.approx(0.6 - 0.4)
    assert (found.outcome.shown, found.outcome.control) == (300, 600)
    assert (found.viewed, found.drawn) == (1600, 1000)
    # Seven of a waiting ten are told of when it is full.
    assert found.places["ELSEWHERE"] == 200
    assert found.own is not None
    assert found.best is not None
    # Expected of all 1,000 is 0.4; the sides are 0.2 above it, and at it.
    assert found.own.reached.value == pytest.approx(0.6)
    assert found.best.reached.value == pytest.approx(0.4)
    assert found.own.followed == 1.0
    assert found.best.followed == pytest.approx(0.7, abs=0.02)


def test_cases_that_were_drawn_with_less_chance_stand_for_more() -> None:
    heavy = some(Place.OWN, 200, 20.0, 8)
    found = compared(together(heavy, some(Place.OWN, 400, 10.0, 2), some(Place.BEST, 600, 1.25, 4)))
    # 200 * 20 of 0.8 and 400 * 10 of 0.2 are 0.5 on average, where a plain mean would be 0.4.
    assert found.outcome is not None
    assert found.outcome.value == pytest.approx(0.5 - 0.4)


@pytest.mark.parametrize("reached", [0, 10])
def test_where_every_case_is_like_the_others_the_range_is_of_no_width(reached: int) -> None:
    for expected in np.arange(11, 90) / 100:
        cases = {"expected": np.full(600, expected)}
        sides = (some(Place.OWN, 600, 5.0, reached), some(Place.BEST, 600, 1 / 0.3, reached))
        found = compared(together(*(replace(one, **cases) for one in sides)))
        for side in (found.own, found.best):
            assert side is not None
            ends = side.reached.low, side.reached.value, side.reached.high
            assert ends == pytest.approx((reached / 10,) * 3, abs=1e-6)


def test_nothing_is_told_of_sides_that_are_too_small_young_or_not_alike_in_answers() -> None:
    few = together(some(Place.OWN, ENOUGH - 1, 10.0, 6), some(Place.BEST, 600, 1.25, 4))
    assert compared(few).outcome is None
    young = own_against_best([sums_of(in_their_tens(PLAIN), FOLLOWED_DAYS - 1)])
    assert young == UNVIEWED
    assert compared(PLAIN, ("office-b",)) == UNVIEWED
    silent = some(Place.BEST, 600, 1.25, 4, outcome=np.full(600, np.nan))
    uneven = compared(together(PLAIN, silent))
    assert uneven.uneven
    assert (uneven.outcome, uneven.own, uneven.best) == (None, None, None)


def test_every_count_is_in_tens_and_telling_again_changes_nothing() -> None:
    cases = drawn(Setting(name="", offices=2, share=0.5), 5, 3000).viewed
    cases = replace(
        cases, reason=np.where(cases.followed == 0, np.arange(len(cases)) % len(REASONS), UNTOLD)
    )
    once = in_their_tens(cases)
    cells = np.column_stack(
        [once.office == "office-00", once.place, once.followed, once.reason, np.isnan(once.outcome)]
    )
    assert not (np.unique(cells.astype(float), axis=0, return_counts=True)[1] % 10).any()
    again = in_their_tens(once.where(np.argsort(once.day, kind="stable")))
    for one in ("place", "weight", "outcome", "reason", "day"):
        assert np.sort(getattr(again, one)) == pytest.approx(
            np.sort(getattr(once, one)), nan_ok=True
        )


def test_weekly_reading_seldom_claims_what_is_not_so_and_finds_what_is() -> None:
    alike = Setting(name="", offices=8, share=0.5, spread=0.0, knows=0.3)
    assert sum(one.ever_claimed for one in measure(alike, 10, first=900)) <= 2
    large = Setting(name="", offices=30, share=0.5, spread=0.3, knows=0.9, insists=0.0)
    found = measure(large, 2, first=950)
    assert all(one.ever_claimed for one in found)
    assert not any(one.ever_wrong for one in found)


def an_effect(value: float, half: float) -> Effect:
    return Effect(value=value, low=value - half, high=value + half, shown=300, control=600)


@pytest.mark.parametrize("language", sorted(WORDS))
@pytest.mark.parametrize(("value", "key"), [(0.2, "own"), (-0.2, "best"), (0.01, "unclear")])
def test_leaders_read_one_answer_with_its_range(language: str, value: float, key: str) -> None:
    words = WORDS[language]
    found = departs(replace(compared(PLAIN), outcome=an_effect(value, 0.1)), words)
    assert found.sentences[0] == words(f"overrides.{key}")
    assert found.rows[0].value == words.number(100 * value, 1)
    ends = [words.number(100 * (value + half), 1) for half in (-0.1, 0.1)]
    assert found.rows[0].range == words("interval", low=ends[0], high=ends[1])
    assert [row.value for row in found.rows[1:5]] == [
        words.percent(one) for one in (0.6, 0.4, 1.0, 0.7)
    ]


@pytest.mark.parametrize("language", sorted(WORDS))
def test_of_a_reason_it_is_told_how_often_and_that_nothing_can_be_said(language: str) -> None:
    words = WORDS[language]
    number = REASONS.index(ChoiceReason.CAPACITY)
    reasons = some(
        Place.BEST, 100, 1.25, 4, followed=np.zeros(100, int), reason=np.full(100, number)
    )
    found = departs(compared(together(PLAIN, reasons)), words)
    last = found.rows[-1]
    assert words("overrides.reasons.CAPACITY") in last.what
    assert (last.value, last.range) == (words("overrides.unsaid"), "\u2013")
    assert "100" in last.basis
    assert words("overrides.by_reason") in found.sentences
    # Every reason that may be recorded has its words.
    assert set(words.entries["overrides"]["reasons"]) == {one.name for one in ChoiceReason}


def test_no_figure_stands_where_nothing_can_be_said() -> None:
    words = WORDS["en"]
    assert departs(UNVIEWED, words).sentences[0].startswith("Nobody can say")
    without = compared(some(Place.ELSEWHERE, 500, 1.0, 4))
    assert departs(without, words) == departs(UNVIEWED, words)
    few = departs(compared(some(Place.BEST, 500, 1.25, 4)), words)
    assert few.sentences[0].startswith("We cannot say yet")
    assert few.rows == ()


def test_the_textfile_has_what_is_known_and_nothing_of_what_is_not(tmp_path: Path) -> None:
    ledger: Ledger = told(tmp_path, many(20))
    path = tmp_path / "ledger.prom"
    write_prometheus(path, {"a": ledger}, {}, {"a": compared(PLAIN), "b": UNVIEWED})
    text = path.read_text()
    assert 'router_own_view_outcome_ratio{end="value",office="a"} 0.2' in text
    # The last digits of a sum would tell of its parts.
    odd = replace(compared(PLAIN), outcome=an_effect(0.123456, 0.02))
    write_prometheus(path, {"a": ledger}, {}, {"a": odd})
    assert 'router_own_view_outcome_ratio{end="value",office="a"} 0.123\n' in path.read_text()
    assert 'router_own_view_cases{office="a",place="elsewhere"} 200.0' in text
    assert 'office="b"' not in text
