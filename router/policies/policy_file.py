"""Reads one policy's file, the national one or an office's, and checks every value against its bounds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.policy import Abstention, DisclosureShares, Exploration, Policy
from router.decision.rulebook import SafeguardLimits
from router.decision.schema import UNKNOWN
from router.decision.weights import BY_VALUE, WEEKS_LEFT, Weights, weights_of
from router.policies.toml_file import PolicyError, TomlTable, read_toml
from router.texts import LANGUAGES

Span = tuple[float, float]
BOUNDED = (
    "price_per_minute", "weights", "minutes_per_week", "baseline_minutes", "contact_gap_days", "unknown_fields",
    "rare_cases", "far_minutes", "standard_errors", "exploration_share", "exploration_margin", "after_own_view",
    "control",
)  # fmt: skip
# Bounds of the national policy's own values.
_NATIONAL_SPANS: Mapping[str, Span] = {
    "price_per_minute": (0, 0.05), "weights": (1, 10), "contact_gap_days": (14, 180), "no_shows": (1, 5),
    "unread_messages": (1, 20), "silence_days": (14, 120), "reply_days": (1, 30), "unknown_fields": (0, 30),
    "rare_cases": (0, 1_000_000), "far_minutes": (0, 1000), "standard_errors": (0, 5), "exploration_share": (0, 0.5),
    "exploration_margin": (0, 0.05), "after_own_view": (0, 0.5), "control": (0, 0.5),
}  # fmt: skip
_LIMITS = ("contact_gap_days", "no_shows", "unread_messages", "silence_days", "reply_days")
_WHOLE = frozenset({*_LIMITS, "unknown_fields", "rare_cases"})
_OFFICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeBounds:
    """What an office may set: the mixes it must offer, and by name in `BOUNDED` the lowest and highest value."""

    menu: tuple[str, ...]
    spans: Mapping[str, Span]


def load_office_policy(
    path: Path, national: Policy, bounds: OfficeBounds, catalogue: Catalogue
) -> Policy:
    """Reads and checks an office's policy; what it leaves out is as in the national one.

    Raises:
        PolicyError: naming file, key, value and bound.
    """
    table = read_toml(path)
    if not _OFFICE.fullmatch(path.stem):
        raise PolicyError(
            f"{path}: the file's name must be the office's reference: 1 to 64 of A-Z, a-z, 0-9, '._-'"
        )
    policy = replace(
        _policy(table, bounds.spans, catalogue, national),
        version=f"{national.version}/{path.stem}+{content_digest(path.read_bytes())}",
        office=path.stem,
        minutes_per_week=table.number("minutes_per_week", *bounds.spans["minutes_per_week"]),
        baseline_minutes=_baseline(table, bounds.spans["baseline_minutes"]),
    )
    table.finish()
    lacking = [mix for mix in bounds.menu if mix not in policy.menu]
    if lacking:
        raise table.error("menu", f"lacks {', '.join(lacking)}, which every office must offer")
    return policy


def load_national_policy(path: Path, catalogue: Catalogue) -> tuple[Policy, OfficeBounds]:
    """Reads and checks the national policy, and the bounds of offices' policies.

    Its version is the file's own followed by the start of its content's SHA-256, so that a changed
    value is always another version.

    Raises:
        PolicyError: naming file, key, value and bound.
    """
    table = read_toml(path)
    policy = replace(
        _policy(table, _NATIONAL_SPANS, catalogue, None),
        version=f"{table.text('version')}+{content_digest(path.read_bytes())}",
    )
    offices = table.table("offices")
    spans = offices.table("bounds")
    bounds = OfficeBounds(
        menu=offices.texts("menu", policy.menu), spans={name: spans.span(name) for name in BOUNDED}
    )
    for part in (spans, offices, table):
        part.finish()
    return policy, bounds


def _policy(
    table: TomlTable, spans: Mapping[str, Span], catalogue: Catalogue, otherwise: Policy | None
) -> Policy:
    """What national and office policies have alike; without `otherwise` everything but weights must be there."""
    abstention, safeguards = table.table_or_empty("abstention"), table.table_or_empty("safeguards")
    exploration, disclosure = (
        table.table_or_empty("exploration"),
        table.table_or_empty("disclosure"),
    )
    read = partial(_number, spans)
    now = otherwise
    policy = Policy(
        version="",
        office="",
        price=read(table, "price_per_minute", now.price if now else None),
        weights=_weights(table, spans["weights"])
        if table.has("weights")
        else now.weights
        if now
        else Weights(),
        menu=now.menu if now and not table.has("menu") else table.texts("menu", catalogue.ids),
        abstention=Abstention(
            unknown_fields=int(
                read(abstention, "unknown_fields", now.abstention.unknown_fields if now else None)
            ),
            rare_cases=int(
                read(abstention, "rare_cases", now.abstention.rare_cases if now else None)
            ),
            far_minutes=read(
                abstention, "far_minutes", now.abstention.far_minutes if now else None
            ),
            standard_errors=read(
                abstention, "standard_errors", now.abstention.standard_errors if now else None
            ),
        ),
        limits=_limits(safeguards, spans, now.limits if now else None),
        minutes_per_week=None,
        baseline_minutes={},
        languages=now.languages if now and not table.has("languages") else _languages(table),
        exploration=Exploration(
            share=read(
                exploration, "share", now.exploration.share if now else None, "exploration_share"
            ),
            margin=read(
                exploration, "margin", now.exploration.margin if now else None, "exploration_margin"
            ),
        ),
        disclosure=DisclosureShares(
            after_own_view=read(
                disclosure, "after_own_view", now.disclosure.after_own_view if now else None
            ),
            control=read(disclosure, "control", now.disclosure.control if now else None),
        ),
    )
    for part in (abstention, safeguards, exploration, disclosure):
        part.finish()
    return policy


def _number(
    spans: Mapping[str, Span],
    table: TomlTable,
    key: str,
    otherwise: float | None,
    name: str | None = None,
) -> float:
    """A number within its bounds, whole where `otherwise` or the key's bounds are; `otherwise` if it is not there."""
    if otherwise is not None and not table.has(key):
        return otherwise
    lower, upper = spans[name or key]
    if key in _WHOLE:
        return table.integer(key, int(lower), int(upper))
    return table.number(key, lower, upper)


def _limits(
    table: TomlTable, spans: Mapping[str, Span], otherwise: SafeguardLimits | None
) -> SafeguardLimits:
    """An office may set no other limit than those that its bounds name."""
    found = {name: int(_number(spans, table, name, None)) for name in _LIMITS if name in spans and (
        otherwise is None or table.has(name))}  # fmt: skip
    return replace(otherwise, **found) if otherwise else SafeguardLimits(**found)


def _languages(table: TomlTable) -> tuple[str, ...]:
    found = table.texts("languages", LANGUAGES)
    if not found:
        raise table.error("languages", f"names none; one of {', '.join(LANGUAGES)} is needed")
    return found


def _baseline(table: TomlTable, span: Span) -> dict[str, int]:
    if not table.has("baseline_minutes"):
        return {}
    one = table.table("baseline_minutes")
    found = {
        value: one.integer(value, int(span[0]), int(span[1]))
        for value in (*FEATURES["need_group"].values, UNKNOWN)
    }
    one.finish()
    return found


def _weights(table: TomlTable, span: Span) -> Weights:
    one = table.table("weights")
    by_value: dict[str, dict[str, float]] = {}
    for name in BY_VALUE:
        part = one.table_or_empty(name)
        by_value[name] = {
            value: part.number(value, *span) for value in FEATURES[name].values if part.has(value)
        }
        part.finish()
    weeks: list[tuple[int, float]] = []
    for part in one.tables(WEEKS_LEFT, 1, 10) if one.has(WEEKS_LEFT) else ():
        weeks.append(
            (part.integer("at_most", 0, FEATURES[WEEKS_LEFT].upper), part.number("weight", *span))
        )
        part.finish()
    one.finish()
    try:
        return weights_of(
            FEATURES, {name: values for name, values in by_value.items() if values}, weeks
        )
    except ValueError as problem:
        raise table.error("weights", str(problem)) from None


def content_digest(content: bytes) -> str:
    """Start of a file's SHA-256, as versions end with it."""
    return hashlib.sha256(content).hexdigest()[:_DIGITS]
