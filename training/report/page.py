"""The report's page, report.html: everything measured of a version, without network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from router.decision.catalogue import Catalogue
from router.decision.tables import DecisionTables
from router.drawing.colours import mix_colours
from router.drawing.drawing import TwoShapes
from training.evaluation.figures import ESTIMATORS, OK, QUANTILES, Figures
from training.report import (
    check_drawings,
    cost_drawings,
    curve_drawings,
    effect_tables,
    groups,
    pair_tables,
    synergy_drawings,
    synergy_words,
    value_drawings,
    words,
)
from training.report.first_screen import first_screen, forty_hours
from training.report.reproduce import commands, recorded

if TYPE_CHECKING:
    from training.evaluation.gate import Verdict

TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = (
    ("value", "What each policy is worth"),
    ("hours", "What adviser hours buy"),
    ("effects", "What each mix is worth, by field"),
    ("groups", "Who gets what"),
    ("gate", "The gate, line by line"),
    ("calibration", "Calibration"),
    ("overlap", "Overlap"),
    ("basis", "What the figures rest on"),
    ("estimators", "Estimators side by side"),
    ("sensitivity", "What if something was not seen?"),
    ("heterogeneity", "Do effects vary at all?"),
    ("curve", "What would more cases buy?"),
    ("synergy", "Are two channels worth more together?"),
    ("fidelity", "What the tables kept of the learners"),
    ("severity", "Does worse ever mean less contact?"),
    ("abstention", "When an adviser must look first"),
    ("data", "The data"),
    ("reproduce", "To do it again"),
)
"""Anchor and heading of each section, in order; "curve" only where it was asked for."""

_OF_ANY_POLICY = (
    "value",
    "groups",
    "gate",
    "overlap",
    "basis",
    "estimators",
    "sensitivity",
    "synergy",
)
"""Sections that do not speak of tables."""

SHOWN_FALLS = 20
"""Of the exceptions to "worse never means less contact": the rest are in figures.json."""


_MARKS = str.maketrans({mark: f"\\{mark}" for mark in r"\`*[]<>|"} | {"\n": " "})


def write_report(
    path: Path,
    figures: Figures,
    verdict: Verdict,
    tables: DecisionTables,
    catalogue: Catalogue,
    manifest: Mapping[str, Any],
) -> None:
    """Writes the report; equal figures give equal bytes.

    Raises:
        ValueError: if the tables have another number of mixes than the catalogue.
    """
    # Asked before anything is drawn, which takes seconds.
    _check_mixes(tables, catalogue)
    text = page(figures, verdict, tables, catalogue, manifest, drawings(figures))
    path.write_text(text, encoding="utf-8")


def page(
    figures: Figures,
    verdict: Verdict,
    tables: DecisionTables,
    catalogue: Catalogue,
    manifest: Mapping[str, Any],
    drawn: Mapping[str, TwoShapes | None],
) -> str:
    """Gives the page, with drawings that were made apart: they take nearly all of the time.

    Raises:
        ValueError: if the tables have another number of mixes than the catalogue.
    """
    _check_mixes(tables, catalogue)
    found = effect_tables.effects(tables)
    return _rendered(
        figures,
        verdict,
        catalogue,
        tuple(one for one in SECTIONS if one[0] != "curve" or figures.learning_curve),
        subject="model",
        tables_folds=tables.folds,
        manifest=manifest,
        quantiles=QUANTILES,
        SHOWN_FALLS=SHOWN_FALLS,
        beyond=cost_drawings.beyond(figures),
        forty_hours=forty_hours(figures),
        blind_above=cost_drawings.blind_above(figures),
        weight_words=words.weight_words(figures),
        commands=commands(figures, manifest),
        recorded=recorded(manifest),
        effects=found,
        weights_in_words=effect_tables.weights_in_words(found),
        effect_tables=effect_tables.effect_tables(found, catalogue.ids),
        pair_tables=pair_tables.pair_tables(tables, catalogue.ids),
        **drawn,
    )


def policy_page(
    figures: Figures, verdict: Verdict, catalogue: Catalogue, lifted: float = 0.0
) -> str:
    """Gives the page of a policy made elsewhere: the sections that do not speak of tables.

    Args:
        figures: as measured by `evaluate_policy`.
        verdict: of the gate on it.
        catalogue: the mixes that it chooses from.
        lifted: share of test cases in which safeguards ask for more contact than it gives.
    """
    return _rendered(
        figures,
        verdict,
        catalogue,
        tuple(one for one in SECTIONS if one[0] in _OF_ANY_POLICY),
        subject="policy",
        lifted=lifted,
        quantiles=QUANTILES,
        gains=value_drawings.gains(figures),
        values=value_drawings.values(figures),
        estimator_drawing=check_drawings.estimators(figures),
        sensitivity=check_drawings.sensitivity(figures),
        synergy_drawing=synergy_drawings.synergies(figures),
    )


def _rendered(
    figures: Figures,
    verdict: Verdict,
    catalogue: Catalogue,
    sections: tuple[tuple[str, str], ...],
    **more: object,
) -> str:
    colours = mix_colours(len(catalogue.mixes))
    text: str = template("report.html.j2", escape=True).render(
        # Our own style sheet, which escaping would spoil.
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),  # nosec B704
        figures=figures,
        sections=sections,
        verdict=verdict,
        catalogue=catalogue,
        first=first_screen(figures, verdict),
        colours=dict(zip(catalogue.ids, colours, strict=True)),
        synergy_sentence=synergy_words.synergy_sentence,
        policies=value_drawings.ordered(figures),
        estimators=ESTIMATORS,
        OK=OK,
        fields_of=groups.fields_of(figures),
        groups_of=groups.groups_of,
        some_untold=groups.some_untold(figures),
        gain_scale=groups.gain_scale(figures),
        **more,
    )
    return text


def _unmarked(value: object) -> object:
    """Escapes what Markdown, or HTML in it, would take for a mark, and keeps a cell on its line."""
    return value.translate(_MARKS) if isinstance(value, str) else value


def template(name: str, *, escape: bool) -> Any:  # noqa: ANN401 - Jinja's template
    """Reads a template of this package; a name that the caller did not give is an error.

    Args:
        name: of the template.
        escape: true for HTML, false for Markdown. Either way nothing that is filled in is taken
            for a mark: names come from files.
    """
    environment = Environment(  # nosec B701
        loader=FileSystemLoader(TEMPLATES),
        # A misspelt figure must stop the report, not leave a gap in it.
        undefined=StrictUndefined,
        autoescape=escape,
        finalize=None if escape else _unmarked,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(words=words, names=words.names())
    environment.filters.update(
        percent=words.percent, number=words.number, points=words.points, signed=words.signed
    )
    return environment.get_template(name)


def drawings(figures: Figures) -> dict[str, TwoShapes | None]:
    """Makes the page's drawings by name; None where nothing was measured."""
    return {
        "gains": value_drawings.gains(figures),
        "values": value_drawings.values(figures),
        "cost_curve": cost_drawings.cost_curve(figures),
        "estimator_drawing": check_drawings.estimators(figures),
        "sensitivity": check_drawings.sensitivity(figures),
        "calibration": check_drawings.calibration(figures),
        "reliability": check_drawings.reliability(figures),
        "synergy_drawing": synergy_drawings.synergies(figures),
        "learning_curve": curve_drawings.learning_curve(figures),
    }


def _check_mixes(tables: DecisionTables, catalogue: Catalogue) -> None:
    if tables.values.shape[1] != len(catalogue.mixes):
        raise ValueError(
            f"tables have {tables.values.shape[1]} mixes, the catalogue has {len(catalogue.mixes)}"
        )
