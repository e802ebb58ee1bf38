"""The ledger's page, which a leader reads in two minutes: HTML without scripts or network."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.ledger.account import DIRECTIONS, Ledger, LedgerRefused, Part
from router.ledger.advice import balance_kind, headline, what_to_do
from router.ledger.arithmetic import Balance
from router.ledger.contacts import mix_minutes
from router.ledger.entries import GROUPS, REPEATED, WITHHELD
from router.ledger.practice import Practice
from router.ledger.small_cells import AT_LEAST, hidden
from router.ledger.words import Words

_TEMPLATES = Path(__file__).parent / "templates"
PRACTICES_AT_MOST = 3
_NEEDED = ("jinja2", "matplotlib")


def check_extra() -> None:
    """Checks that what draws the page is installed.

    Raises:
        LedgerRefused: if it is not, saying what to install.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise LedgerRefused(
            f"html: {' and '.join(missing)} missing; "
            "install the extra: pip install 'channel-router[ledger]'"
        )


def ledger_page(
    ledger: Ledger,
    practices: Sequence[Practice],
    offices: Mapping[str, Ledger],
    catalogue: Catalogue,
    words: Words,
    *,
    erased: int,
) -> str:
    """Makes the page; equal figures give equal bytes.

    Args:
        ledger: of all the offices together.
        practices: how offices follow up the same kind of cases.
        offices: each office's own ledger; only told of when there are several.
        catalogue: the mixes.
        words: of the page's language.
        erased: recommendations whose content is gone from the journal.

    Raises:
        LedgerRefused: if Jinja or Matplotlib are not installed.
    """
    check_extra()
    # The optional extra, and what draws with it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    from router.ledger import drawings, flow_drawing  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        # A name mistyped in the template must be an error, not an empty figure.
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("ledger.html.j2").render(
        style=Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8")),  # nosec B704
        ledger=ledger,
        words=words,
        flow=flow_drawing.flow(ledger, words),
        measured=drawings.measured(ledger, words),
        weeks=drawings.weekly(ledger, words),
        contacts=drawings.contacts(ledger.contacts, words),
        practice=drawings.practice(practices, words),
        practice_words=_practice_words(practices, words),
        offices=_offices(offices) if len(offices) > 1 else {},
        mixes=mix_minutes(ledger.contacts, catalogue),
        method=_method(ledger, words, erased),
        **_in_words(ledger, words),
    )


def _in_words(ledger: Ledger, words: Words) -> dict[str, Any]:
    """Tells the ledger's figures in words."""
    return {
        "answer": headline(ledger, words),
        "tiles": _tiles(ledger, words),
        "todo": what_to_do(ledger, words),
        "groups": [(field, _rows(ledger.groups[field], words, field)) for field in GROUPS],
        "tiers": [(words.tier(one.name), one) for one in ledger.tiers],
        "choices": _choices(ledger, words),
    }


def _tiles(ledger: Ledger, words: Words) -> list[tuple[str, str, str, str]]:
    """Gives what each tile is of, its figure, the figure's unit and the rest."""
    total, spent = ledger.total.estimated, ledger.total.measured
    if total is None or not total.cases:
        return []
    first = ledger.tiers[0].estimated
    known = spent.cases if spent else 0
    # Also where the balance counts as even: the tile tells a figure, which has a direction.
    left = "over" if balance_kind(total) == "over" or total.unaccounted < 0 else "left"
    open_minutes = abs(total.unaccounted)

    released = words.percent(total.released, total.baseline)
    to_the_first = (
        "" if first is None else words("tile.reused_rest", first=words.in_hours(first.reused))
    )
    of_released = words.percent(open_minutes, total.released)
    capacity = words.in_hours(ledger.capacity)
    counted = {"cases": words.number(known), "all": words.number(total.cases)}
    share_known = words.percent(known, total.cases)

    tiles = [
        ("released", total.released, words("tile.released_rest", share=released)),
        ("reused", total.reused, to_the_first),
        (left, open_minutes, words("tile.left_rest", share=of_released)),
        ("planned", total.used, words("tile.planned_rest", capacity=capacity)),
    ]
    return [
        *(
            (words(f"tile.{name}"), words.hours(minutes), words.hour_unit(minutes), rest)
            for name, minutes, rest in tiles
        ),
        (words("tile.measured"), share_known, "", words("tile.measured_rest", **counted)),
    ]


def _offices(offices: Mapping[str, Ledger]) -> dict[str, Balance | None]:
    """Gives each office's estimate; None where it, or what the total leaves, tells of too few."""
    # The total of all offices stands beside: what one leaves of it must not be small either.
    hide = hidden(np.array([one.cases for one in offices.values()], np.int64))
    return {
        name: None if small else one.total.estimated
        for (name, one), small in zip(offices.items(), hide.tolist(), strict=True)
    }


def _practice_words(found: Sequence[Practice], words: Words) -> list[tuple[str, str]]:
    """Tells where others most often agree on another mix than the own offices, by need group.

    At most three, those with most others; one without a group if they agree in all.
    """
    if not found:
        return []
    with_own = found[0].own_mix is not None
    telling = sorted(
        (one for one in found if one.own_mix != one.usual_mix), key=lambda one: -one.usual_at
    )
    if not telling:
        return [("", words("practice.alike"))]
    return [
        (
            words.value("need_group", one.group),
            words(
                "practice.other" if with_own else "practice.usual",
                count=one.usual_at,
                all=one.offices,
                mix=words.texts.mix(one.usual_mix),
                own=words.texts.mix(one.own_mix or ""),
            ),
        )
        for one in telling[:PRACTICES_AT_MOST]
    ]


def _rows(parts: Sequence[Part], words: Words, field: str) -> list[tuple[str, Part]]:
    """Gives parts by name, in the contract's order, the unknown last."""
    known = {value: place for place, value in enumerate(FEATURES[field].values)}
    ordered = sorted(parts, key=lambda one: known.get(one.name, len(known)))
    return [(words.value(field, one.name), one) for one in ordered]


def _choices(ledger: Ledger, words: Words) -> list[tuple[str, str, str]]:
    """Gives label, figure and interval of what became of the advice."""
    found = []
    for direction in DIRECTIONS:
        count = ledger.choices[direction]
        found.append(
            (words(f"tables.{direction}"), "" if count is None else words.number(count), "")
        )
    for key, estimate in (("overrides", ledger.overrides), ("reached", ledger.reached)):
        if estimate is not None:
            ends = words(
                "interval", low=words.percent(estimate.low), high=words.percent(estimate.high)
            )
            found.append((words(f"tables.{key}"), words.percent(estimate.value), ends))
    for key, count in (
        ("waiting_for_choice", ledger.waiting_for_choice),
        ("waiting_for_outcome", ledger.waiting_for_outcome),
    ):
        found.append((words(f"tables.{key}"), _count(count, words), ""))
    return found


def _count(count: int, words: Words) -> str:
    return words("too_few") if 0 < count < AT_LEAST else words.number(count)


def _method(ledger: Ledger, words: Words, erased: int) -> list[str]:
    counts: dict[str, Any] = {
        "repeated": _count(ledger.left_out[REPEATED], words),
        "withheld": _count(ledger.left_out[WITHHELD], words),
        "erased": _count(erased, words),
    }
    return [line.format(**counts) for line in words.entries["method"]["lines"]]
