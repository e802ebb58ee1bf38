"""Reads policies/evidence.toml: errors name the finding, the value's problem and the bound."""

from __future__ import annotations

import hashlib
from pathlib import Path

from router.cases.features import FEATURES
from router.decision.catalogue import Channel
from router.decision.schema import Role
from router.policies.toml_file import TomlFile, TomlTable
from training.evidence.evidence import Evidence, Finding

_FINDINGS_AT_MOST = 100
_CHANNELS = [channel.value for channel in Channel]
# A study without an error would be believed against any log.
_LEAST_ERROR = 0.0005


def load_evidence(path: Path) -> Evidence:
    """Reads and checks findings.

    Raises:
        PolicyError: if a value cannot be used, naming file, finding, value and bound.
    """
    file = TomlFile.read(path)
    table = file.parse()
    reached = table.table("reached")
    evidence = Evidence(
        version=table.text("version"),
        sha256=hashlib.sha256(file.content).hexdigest(),
        reached=reached.number("share", 0.01, 0.99),
        reached_error=reached.number("error", _LEAST_ERROR, 0.5),
        mix_error=table.number("mix_error", _LEAST_ERROR, 0.1),
        findings=tuple(_finding(one) for one in table.tables("finding", 1, _FINDINGS_AT_MOST)),
    )
    reached.text("source")
    reached.finish()
    table.finish()

    names = [one.name for one in evidence.findings]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise table.error(f"finding[{number}].name", f"{name!r} is the name of another too")
    return evidence


def _finding(table: TomlTable) -> Finding:
    field, slots = _people(table)
    finding = Finding(
        name=table.text("name"),
        effect=table.number("effect", -0.5, 0.5),
        error=table.number("error", _LEAST_ERROR, 0.5),
        source=table.text("source"),
        carries_over=table.number("carries_over", 0.0, 1.0),
        talks=table.integer("talks", 1, 100) if table.has("talks") else 0,
        has=_channels(table, "has"),
        lacks=_channels(table, "lacks"),
        field=field,
        slots=slots,
    )
    table.finish()
    return finding


def _channels(table: TomlTable, key: str) -> frozenset[Channel]:
    named = table.texts(key, _CHANNELS) if table.has(key) else ()
    return frozenset(Channel(one) for one in named)


def _people(table: TomlTable) -> tuple[str, tuple[int, ...]]:
    """Takes for whom a finding holds: values of one field, or counts from one to another.

    One field a finding: what turns on two at once would not fit in tables of one.
    """
    if not table.has("field"):
        return "", ()
    known = [one.name for one in FEATURES.features if Role.MODEL in one.roles]
    name = table.one_of("field", known)
    feature = FEATURES[name]
    if feature.values:
        values = table.texts("values", feature.values)
        if not values:
            raise table.error("values", f"is empty; give some of {', '.join(feature.values)}")
        return name, tuple(sorted(feature.slot(one) for one in values))

    if not (table.has("at_least") or table.has("at_most")):
        raise table.error("at_least", f"is missing, and so is at_most; {name} is {feature.bound}")
    first, last = (
        table.integer(key, feature.lower, feature.upper) if table.has(key) else default
        for key, default in (("at_least", feature.lower), ("at_most", feature.upper))
    )
    if first > last:
        raise table.error("at_least", f"{first} is above at_most, {last}")
    return name, tuple(range(feature.slot(first), feature.slot(last) + 1))
