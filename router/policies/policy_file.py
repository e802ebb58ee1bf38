"""Reads one policy's file, the national one or an office's, and checks each value's bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from router.cases.features import FEATURES
from router.cases.national_id import holds_national_id
from router.decision.catalogue import Catalogue
from router.decision.policy import (
    Abstention,
    ContactPolicy,
    DisclosureShares,
    Exploration,
    Policy,
)
from router.decision.rulebook import SafeguardLimits
from router.decision.schema import UNKNOWN
from router.decision.weights import BY_VALUE, WEEKS_LEFT, Weights, weights_of
from router.policies.policy_values import NATIONAL_SPANS, VALUES, PolicyValue, Span
from router.policies.toml_file import PolicyError, TomlFile, TomlTable, understood
from router.texts import LANGUAGES

_PARTS = ("abstention", "safeguards", "exploration", "disclosure", "contact")
_PHONE = re.compile(r"\+?[0-9][0-9 ]{2,18}")
_OFFICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeBounds:
    """What an office may set.

    Attributes:
        menu: the mixes that it must offer.
        spans: the lowest and highest value, by name in `VALUES`.
    """

    menu: tuple[str, ...]
    spans: Mapping[str, Span]


def office_policy(
    file: TomlFile, national: Policy, bounds: OfficeBounds, catalogue: Catalogue
) -> Policy:
    """Checks an office's policy; what it leaves out is as in the national one.

    Raises:
        PolicyError: if a value cannot be used, naming file, key, value and bound.
    """
    with understood(file):
        return _office_policy(file, national, bounds, catalogue)


def _office_policy(
    file: TomlFile, national: Policy, bounds: OfficeBounds, catalogue: Catalogue
) -> Policy:
    table, path = file.parse(), file.path
    if not _OFFICE.fullmatch(path.stem):
        raise PolicyError(
            f"{path}: the file's name must be the office's reference: "
            "1 to 64 of A-Z, a-z, 0-9, '._-'"
        )
    policy = _policy(table, bounds.spans, catalogue, national)

    # What only offices have is read after what both have:
    # there is no national value to fall back on.
    own = [value for value in VALUES if value.national is None and not value.each_of]
    policy = replace(
        policy,
        version=f"{national.version}/{path.stem}+{file.digest}",
        office=path.stem,
        **_numbers(own, table, bounds.spans, None),
        baseline_minutes=_baseline(table, bounds.spans["baseline_minutes"]),
    )
    # Last, since a key that nobody took by now is one that nobody knows.
    table.finish()

    lacking = [mix for mix in bounds.menu if mix not in policy.menu]
    if lacking:
        raise table.error("menu", f"lacks {', '.join(lacking)}, which every office must offer")
    return policy


def national_policy(file: TomlFile, catalogue: Catalogue) -> tuple[Policy, OfficeBounds]:
    """Checks the national policy, and the bounds of offices' policies.

    Its version is the file's own followed by the start of its content's SHA-256, so that a changed
    value is always another version.

    Raises:
        PolicyError: if a value cannot be used, naming file, key, value and bound.
    """
    with understood(file):
        return _national_policy(file, catalogue)


def _national_policy(file: TomlFile, catalogue: Catalogue) -> tuple[Policy, OfficeBounds]:
    table = file.parse()
    policy = replace(
        _policy(table, NATIONAL_SPANS, catalogue, None),
        version=f"{table.text('version')}+{file.digest}",
    )

    offices = table.table("offices")
    spans = offices.table("bounds")
    menu = offices.texts("menu", policy.menu)
    read = {value.name: value.read_bounds(spans) for value in VALUES}
    bounds = OfficeBounds(
        menu=menu, spans={name: span for name, span in read.items() if span is not None}
    )
    for part in (spans, offices, table):
        part.finish()
    return policy, bounds


def _policy(
    table: TomlTable, spans: Mapping[str, Span], catalogue: Catalogue, national: Policy | None
) -> Policy:
    """Reads what national and office policies have alike.

    Without `national`, the policy is the national one itself: everything but weights, and values
    with a default, must be there.
    """
    parts = {name: table.table_or_empty(name) for name in _PARTS}

    def numbers(part: str) -> dict[str, Any]:
        wanted = [
            value
            for value in VALUES
            if value.table == part and value.national is not None and not value.each_of
        ]
        return _numbers(wanted, parts.get(part, table), spans, national)

    menu = _menu(table, catalogue, national)
    policy = Policy(
        version="",
        office="",
        **numbers(""),
        weights=_weights(table, spans["weights"], national),
        menu=menu,
        abstention=Abstention(**numbers("abstention")),
        limits=SafeguardLimits(**numbers("safeguards")),
        minutes_per_week=None,
        baseline_minutes={},
        languages=_languages(table, national),
        exploration=Exploration(
            **numbers("exploration"), mixes=_drawn(parts["exploration"], menu, national)
        ),
        disclosure=DisclosureShares(**numbers("disclosure")),
        contact=ContactPolicy(phone=_phone(parts["contact"], national), **numbers("contact")),
    )
    for part in parts.values():
        part.finish()
    return policy


def _numbers(
    wanted: Sequence[PolicyValue],
    table: TomlTable,
    spans: Mapping[str, Span],
    national: Policy | None,
) -> dict[str, Any]:
    """Reads numbers, by the attribute that each is in its part of a policy."""
    return {
        value.attribute.rpartition(".")[2]: value.read(table, spans, national) for value in wanted
    }


def _menu(table: TomlTable, catalogue: Catalogue, national: Policy | None) -> tuple[str, ...]:
    if national and not table.has("menu"):
        return national.menu
    return table.texts("menu", catalogue.ids)


def _drawn(table: TomlTable, menu: tuple[str, ...], national: Policy | None) -> tuple[str, ...]:
    """Reads which mixes may be drawn; an office draws what the agency does unless it says so.

    What an office does not offer it does not draw either.
    """
    if table.has("mixes"):
        return table.texts("mixes", menu)
    return tuple(mix for mix in national.exploration.mixes if mix in menu) if national else ()


def _phone(table: TomlTable, national: Policy | None) -> str:
    if not table.has("phone"):
        return national.contact.phone if national else ""
    found = table.text("phone")
    # Asked first, for what is refused is told; everybody would read it in their texts.
    if holds_national_id(found):
        raise table.error("phone", "looks like a national identity number")
    if found and not _PHONE.fullmatch(found):
        raise table.error("phone", f"{found!r} is not a number of 3 to 19 digits and blanks")
    return found


def _languages(table: TomlTable, national: Policy | None) -> tuple[str, ...]:
    if national and not table.has("languages"):
        return national.languages
    found = table.texts("languages", LANGUAGES)
    if not found:
        raise table.error("languages", f"names none; one of {', '.join(LANGUAGES)} is needed")
    return found


def _baseline(table: TomlTable, span: Span) -> dict[str, int]:
    if not table.has("baseline_minutes"):
        return {}
    lower, upper = span

    one = table.table("baseline_minutes")
    found = {
        value: one.integer(value, int(lower), int(upper))
        # Every group must have one: the ledger compares each case with its own group's practice.
        for value in (*FEATURES["need_group"].values, UNKNOWN)
    }
    one.finish()
    return found


def _weights(table: TomlTable, span: Span, national: Policy | None) -> Weights:
    if not table.has("weights"):
        return national.weights if national else Weights()
    one = table.table("weights")
    by_value: dict[str, dict[str, float]] = {}
    for name in BY_VALUE:
        part = one.table_or_empty(name)
        by_value[name] = {
            value: part.number(value, *span) for value in FEATURES[name].values if part.has(value)
        }
        part.finish()

    weeks: list[tuple[int, float]] = []
    most = FEATURES[WEEKS_LEFT].upper
    for part in one.tables(WEEKS_LEFT, 1, 10) if one.has(WEEKS_LEFT) else ():
        weeks.append((part.integer("at_most", 0, most), part.number("weight", *span)))
        part.finish()
    one.finish()

    weighted = {name: values for name, values in by_value.items() if values}
    try:
        return weights_of(FEATURES, weighted, weeks)
    except ValueError as problem:
        # Without the cause: people who edit the file read one line, not where it was found.
        raise table.error("weights", str(problem)) from None
