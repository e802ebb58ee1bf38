"""What leaders read of whether the advice helps."""

from dataclasses import replace
from pathlib import Path

import pytest

from router.ledger.account import Ledger
from router.ledger.export import write_prometheus
from router.ledger.helps import helps
from router.ledger.shown import UNDRAWN, Shown
from router.ledger.words import load_words
from tests.unit.router.ledger.journal_builder import an_effect

WORDS = load_words()["en"]


SHOWN = Shown(
    drawn=True,
    shown=900,
    control=100,
    answered=an_effect(0.0, 0.1),
    outcome=an_effect(0.05, 0.02),
    minutes=an_effect(-20, 5),
    groups={"FIRST": an_effect(-0.2, 0.1)},
)


def test_it_says_whether_the_advice_helps_and_who_loses_by_it() -> None:
    found = helps(SHOWN, WORDS)
    assert found.sentences[0].startswith("The advice helps")
    assert "highest priority" in found.sentences[1]
    assert (found.rows[0].value, found.rows[0].range) == ("5.0", "3.0 to 7.0")
    assert (
        helps(replace(SHOWN, outcome=an_effect(-0.05, 0.02)), WORDS)
        .sentences[0]
        .startswith("The advice does harm")
    )
    assert (
        helps(replace(SHOWN, outcome=an_effect(0.01, 0.02)), WORDS)
        .sentences[0]
        .startswith("We cannot tell")
    )


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (UNDRAWN, "nobody can say"),
        (replace(SHOWN, outcome=None), "cannot say yet"),
        (replace(SHOWN, answered=an_effect(0.2, 0.1), outcome=None), "One group has outcomes"),
    ],
)
def test_no_figure_stands_where_nothing_can_be_said(shown: Shown, said: str) -> None:
    found = helps(shown, WORDS)
    assert said in found.sentences[0]
    assert found.rows == ()


def test_the_textfile_has_ends_of_what_is_known_and_nothing_of_what_is_not(
    tmp_path: Path, ledger: Ledger
) -> None:
    path = tmp_path / "ledger.prom"
    write_prometheus(path, {"a": ledger}, {"a": SHOWN, "b": UNDRAWN})
    text = path.read_text()
    assert 'router_shown_outcome_ratio{end="low",group="ALL",office="a"} 0.03' in text
    assert 'router_shown_adviser_seconds{end="value",group="ALL",office="a"} -1200.0' in text
    assert 'router_shown_cases{drawn="control",office="a"} 100.0' in text
    for line in text.splitlines():
        if line.startswith("router_shown_outcome_ratio{"):
            told = float(line.rpartition(" ")[2])
            assert told == round(told, 3)
    assert 'office="b"' not in text
