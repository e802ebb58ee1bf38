"""The ledger's page, which a leader reads in two minutes: HTML without scripts or network."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.whole_tens import full_tens
from router.ledger.account import DIRECTIONS, Ledger, LedgerRefused, Part
from router.ledger.advice import headline, what_to_do
from router.ledger.benefit import Benefit
from router.ledger.contacts import mix_minutes
from router.ledger.elsewhere import HoursElsewhere
from router.ledger.elsewhere import elsewhere as hours_elsewhere
from router.ledger.entries import GROUPS, REPEATED, WITHHELD
from router.ledger.helps import departs, gains, helps
from router.ledger.overrides import UNVIEWED, Overrides
from router.ledger.practice import Practice
from router.ledger.shown import UNDRAWN, Shown
from router.ledger.synergy import synergy_sentence
from router.ledger.words import Words
from router.versions.synergies import ChannelSynergies

_TEMPLATES = Path(__file__).parent / "templates"
PRACTICES_AT_MOST = 3
_TILES = (
    ("released", "released"),
    ("reused", "reused"),
    ("left", "unaccounted"),
    ("planned", "used"),
)
_DUE = ("reports", "reported", "without_outcome", "running", "without_choice", "lately")
_NEEDED = ("jinja2", "matplotlib")


class Tile(NamedTuple):
    """What a tile is of, its figure, the figure's unit, and what stands below it."""

    what: str
    figure: str
    unit: str
    rests: tuple[str, ...]


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
    shown: Shown = UNDRAWN,
    benefit: Benefit | None = None,
    overrides: Overrides = UNVIEWED,
    elsewhere: HoursElsewhere | None = None,
    before: Ledger | None = None,
    links: Mapping[str, str] | None = None,
    synergies: ChannelSynergies | None = None,
) -> str:
    """Makes the page; equal figures give equal bytes.

    Args:
        ledger: of all the offices together.
        practices: how offices follow up the same kind of cases.
        offices: each office's own ledger; only told of when there are several.
        catalogue: the mixes.
        words: of the page's language.
        erased: recommendations whose content is gone from the journal.
        shown: what showing the advice does, of the same offices.
        benefit: what that is worth in the period; None leaves it out.
        overrides: whether own views do better than the advice, of the same offices.
        elsewhere: what ten hours would give elsewhere; None leaves it out.
        before: as `ledger`, of the period before; None if the journal does not hold all of it.
        links: addresses of offices' own pages, by office; on such a page of all of them, by ALL.
        synergies: what the promoted version's figures say of channels together; None leaves it out.

    Raises:
        LedgerRefused: if Jinja or Matplotlib are not installed.
    """
    check_extra()
    # The optional extra, and what draws with it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    from router.ledger import drawings, flow_drawing, synergy_drawing  # noqa: PLC0415

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
        offices={name: one.total.estimated for name, one in offices.items()}
        if len(offices) > 1
        else {},
        links=links or {},
        synergy=None if synergies is None else synergy_sentence(synergies, words),
        synergy_synthetic=synergies is not None and synergies.synthetic,
        synergy_drawing=None if synergies is None else synergy_drawing.synergy(synergies, words),
        helps=helps(shown, words),
        gains=None if benefit is None else gains(benefit, words),
        overrides=departs(overrides, words),
        elsewhere=None
        if elsewhere is None
        else hours_elsewhere(elsewhere, list(offices) or [*ledger.offices], words),
        mixes=mix_minutes(ledger.contacts, catalogue),
        method=_method(ledger, words, erased),
        **_in_words(ledger, before, words),
    )


def _in_words(ledger: Ledger, before: Ledger | None, words: Words) -> dict[str, Any]:
    """Tells the ledger's figures in words."""
    return {
        "answer": headline(ledger, words),
        "tiles": _tiles(ledger, before, words),
        "todo": what_to_do(ledger, words),
        "groups": [(field, _rows(ledger.groups[field], words, field)) for field in GROUPS],
        "tiers": [(words.tier(one.name), one) for one in ledger.tiers],
        "choices": _choices(ledger, words),
        "due": [(words(f"due.{name}"), getattr(ledger.due, name)) for name in _DUE],
    }


def _tiles(ledger: Ledger, before: Ledger | None, words: Words) -> list[Tile]:
    if not ledger.cases:
        return []
    total, due = ledger.total.estimated, ledger.due
    then = before.total.estimated if before is not None else None
    first = words.in_hours(ledger.tiers[0].estimated.reused)
    of_baseline = words.percent(total.released, total.baseline)
    of_released = words.percent(abs(total.unaccounted), total.released)
    rests = {
        "released": words("tile.released_rest", share=of_baseline),
        "reused": words("tile.reused_rest", first=first),
        # With its sign, as in the tables: one figure does not stand there in two ways.
        "left": words("tile.over_rest")
        if total.unaccounted < 0
        else words("tile.left_rest", share=of_released),
        "planned": words("tile.planned_rest", capacity=words.in_hours(ledger.capacity)),
    }
    tiles = [
        Tile(
            what=words(f"tile.{name}"),
            figure=words.hours(getattr(total, kind)),
            unit=words.hour_unit(getattr(total, kind)),
            rests=(rests[name], *_before(None if then is None else getattr(then, kind), words)),
        )
        for name, kind in _TILES
    ]
    counts = {"cases": words.number(due.reported), "all": words.number(due.reports)}
    measured = words("tile.measured_rest" if due.reports else "tile.measured_none", **counts)
    running = words("tile.running", count=words.number(due.running))
    share = words.percent(due.reported, due.reports) if due.reports else "–"
    return [*tiles, Tile(words("tile.measured"), share, "", (measured, running))]


def _before(minutes: int | None, words: Words) -> tuple[str, ...]:
    return () if minutes is None else (words("tile.before", figure=words.in_hours(minutes)),)


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
    found = [(words(f"tables.{one}"), words.number(ledger.choices[one]), "") for one in DIRECTIONS]
    for key, estimate in (("overrides", ledger.overrides), ("reached", ledger.reached)):
        if estimate is not None:
            ends = words(
                "interval", low=words.percent(estimate.low), high=words.percent(estimate.high)
            )
            found.append((words(f"tables.{key}"), words.percent(estimate.value), ends))
    return found


def _method(ledger: Ledger, words: Words, erased: int) -> list[str]:
    counts: dict[str, Any] = {
        "repeated": words.number(ledger.left_out[REPEATED]),
        "withheld": words.number(ledger.left_out[WITHHELD]),
        "erased": words.number(full_tens(erased)),
        "as_of": words.date(ledger.as_of),
    }
    return [line.format(**counts) for line in words.entries["method"]["lines"]]
