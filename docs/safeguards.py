"""Writes docs/safeguards.md from the rules themselves: `python -m docs.safeguards`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import jinja2

from router.cases.features import FEATURES
from router.decision.catalogue import Channel
from router.decision.contradictions import CONTRADICTIONS, fields_by_name
from router.decision.rulebook import rulebook
from router.decision.schema import Feature
from router.decision.suitability import NEEDS, Need, Suitability
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from router.texts import Reader, Texts, load_texts

PAGE = Path(__file__).with_suffix(".md")
_TEMPLATE = Path(__file__).with_suffix(".md.j2")
_POLICIES = Path("policies")


def page() -> str:
    """Gives the page as the code has it."""
    catalogue = load_catalogue(_POLICIES / "mixes.toml")
    policy = load_policies(_POLICIES, catalogue).usable("")
    texts = load_texts()["en"]
    rules = [
        (
            rule.name,
            rule.feature,
            FEATURES[rule.feature].in_words(rule.slots),
            rule.effect.requirement.value,
            texts.legal(rule.legal_basis),
        )
        for rule in rulebook(FEATURES, policy.limits)
    ]
    worse = [(feature.name, _order(feature)) for feature in FEATURES.features if feature.severity]
    template = jinja2.Template(_TEMPLATE.read_text("utf-8"), undefined=jinja2.StrictUndefined)
    rendered: str = template.render(
        rules=_table(
            ("safeguard", "field", "applies when", "a mix must have", "legal basis"), rules
        ),
        needs=_table(
            ("need", "field", *(channel.value for channel in Channel), "legal basis"),
            (_need(need, texts) for need in NEEDS),
        ),
        worse=_table(("field", "from the mildest to the worst"), worse),
        contradictions=_table(
            ("contradiction", "fields", "what is said"),
            (
                (name, ", ".join(fields), texts.contradiction(Reader.ADVISER, name))
                for name, fields in fields_by_name(CONTRADICTIONS).items()
            ),
        ),
    )
    return rendered


def _need(need: Need, texts: Texts) -> Iterator[str]:
    signs = {
        Suitability.SERVES: "✓",
        Suitability.DOES_NOT_SERVE: "✗",
        Suitability.IF_WISHED: "(✓)",
        Suitability.WISHED: "★",
    }
    yield need.name
    yield f"{need.feature} {' or '.join(need.values)}"
    yield from (signs[need.of(channel)] for channel in Channel)
    yield texts.legal(need.legal_basis) if need.channels else "–"


def _order(feature: Feature) -> str:
    if not feature.values:
        rising = feature.severity[0][0] < feature.severity[-2][0]
        last = ", unknown is worst" if feature.severity[-1] == (0,) else ""
        return f"the {'more' if rising else 'fewer'} {feature.unit} the worse{last}"
    return ", ".join(feature.in_words(step) for step in feature.severity)


def _table(head: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    lines = [f"| {' | '.join(line)} |" for line in (head, *rows)]
    lines.insert(1, "|---" * len(head) + "|")
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m docs.safeguards", description=__doc__).parse_args()
    PAGE.write_text(page(), encoding="utf-8")
