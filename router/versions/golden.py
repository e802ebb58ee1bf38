"""Golden cases: what a version answers to invented cases, written down when it was made.

golden.json in a version's folder, listed in its manifest. The loaded model answers them before it
is swapped in; one that answers otherwise is refused. The cases are drawn, and nobody's.

What the model thinks of each mix must always be as written. What is decided depends on catalogue,
policy and rules too, so it is compared only where these are the ones it was written under.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from router.decision.decide import Decider
from router.decision.schema import FeatureSet, Rows
from router.decision.tables import DecisionTables, Floats

GOLDEN = "golden.json"
BYTES_AT_MOST = 4 * 1024 * 1024
CASES = 100
"""So many are written; of a file from elsewhere ten times as many are read."""
_CASES_AT_MOST = 1_000
# Sums of a few dozen numbers around a half: other processors may round the last bits otherwise.
_TOLERANCE = 1e-9


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    fields: list[str]
    rows: list[list[int]]
    mixes: list[str]
    expected: list[list[float]]
    basis: str
    decided: list[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """Golden cases.

    Attributes:
        rows: slots, shape (n, features); fields that were not known then are unknown.
        mixes: that were valued.
        expected: outcome of each, shape (n, mixes).
        basis: digest of what decided beside the model.
        decided: number of the mix and status of each case, n of them.
    """

    rows: Rows
    mixes: tuple[str, ...]
    expected: Floats
    basis: str
    decided: tuple[tuple[int, int], ...]

    def check_values(self, tables: DecisionTables, mixes: Sequence[str]) -> None:
        """Checks that a model values the cases as written.

        Args:
            tables: of the model.
            mixes: that it values, by number.

        Raises:
            ValueError: telling how many cases it values otherwise.
        """
        common = [mix for mix in self.mixes if mix in mixes]
        if not common:
            raise ValueError(f"{GOLDEN} values none of the mixes {', '.join(mixes)}")
        found = _values(tables, self.rows)[:, [mixes.index(mix) for mix in common]]
        wanted = self.expected[:, [self.mixes.index(mix) for mix in common]]
        # Written so that NaN, which equals nothing, is a difference too.
        near: NDArray[np.bool_] = np.abs(found - wanted) <= _TOLERANCE
        same = np.logical_and.reduce(near, axis=1)
        if not same.all():
            told = f"{int((~same).sum())} of {len(same)} golden cases are valued otherwise"
            raise ValueError(f"{told}, the first is number {int(same.argmin())}")

    def check_decisions(self, decider: Decider) -> None:
        """Checks that the cases are decided as written, if all else that decides is as then.

        Raises:
            ValueError: telling how many cases are decided otherwise.
        """
        if self.basis != basis_of(decider):
            return
        found = _decided(decider, self.rows)
        # That its facts contradict each other may not have been known then. It asks for a person,
        # and never for another mix.
        since = decider.contradictions.any(self.rows)
        otherwise = [
            n
            for n, (mix, status) in enumerate(found)
            if mix != self.decided[n][0] or (status != self.decided[n][1] and not since[n])
        ]
        if otherwise:
            told = f"{len(otherwise)} of {len(found)} golden cases are decided otherwise"
            raise ValueError(f"{told}, the first is number {otherwise[0]}")


def golden_bytes(decider: Decider) -> bytes:
    """Draws golden cases and writes what is answered; equal deciders give equal bytes."""
    features, rows = decider.tables.features, _drawn(decider)
    content = {
        "format": 1,
        "fields": [one.name for one in features.features],
        "rows": rows.tolist(),
        "mixes": list(decider.catalogue.ids),
        "expected": _values(decider.tables, rows).tolist(),
        "basis": basis_of(decider),
        "decided": _decided(decider, rows),
    }
    # Without blanks: a hundred cases of numbers are for programs.
    return (json.dumps(content, separators=(",", ":")) + "\n").encode()


# Made at import: see `router.journal.recommendation`.
_READER = msgspec.json.Decoder(_Content)


def read_golden(content: bytes, features: FeatureSet) -> Golden:
    """Reads golden.json.

    Raises:
        ValueError: if it is not what `golden_bytes` writes, or is of other fields.
    """
    try:
        read = _READER.decode(content)
    except msgspec.DecodeError as problem:
        raise ValueError(f"{GOLDEN}: {problem}") from problem
    cases = len(read.rows)
    if read.format != 1 or not 1 <= cases <= _CASES_AT_MOST:
        held = f"format {read.format} with {cases} cases"
        raise ValueError(f"{GOLDEN}: {held}; format 1 with 1 to {_CASES_AT_MOST} is read")
    if not len(read.expected) == len(read.decided) == cases:
        raise ValueError(f"{GOLDEN}: rows, expected and decided are not equally many")
    if any(len(row) != len(read.fields) for row in read.rows) or any(
        len(values) != len(read.mixes) for values in read.expected
    ):
        raise ValueError(f"{GOLDEN}: a row has not one slot for each field and mix")
    return Golden(
        rows=_rows(read, features),
        mixes=tuple(read.mixes),
        expected=np.array(read.expected, np.float64),
        basis=read.basis,
        decided=tuple(read.decided),
    )


def _rows(read: _Content, features: FeatureSet) -> Rows:
    known = {feature.name: column for column, feature in enumerate(features.features)}
    rows = np.zeros((len(read.rows), len(known)), np.uint16)
    for place, name in enumerate(read.fields):
        # A field that is gone decides nothing any more; the basis then differs too.
        if name not in known:
            continue
        slots = [row[place] for row in read.rows]
        most = features[name].slots - 1
        if not all(0 <= slot <= most for slot in slots):
            raise ValueError(f"{GOLDEN}: {name}: a slot is outside 0 to {most}")
        rows[:, known[name]] = slots
    return rows


def basis_of(decider: Decider) -> str:
    """Gives the digest of what decides beside the model: fields, catalogue, policy, rules."""
    features = decider.tables.features
    content = {
        "fields": [[one.name, one.lower, one.upper, *one.values] for one in features.features],
        "mixes": [repr(mix) for mix in decider.catalogue.mixes],
        "policy": decider.policy.version,
        "rules": [
            [
                rule.name,
                rule.feature,
                sorted(rule.slots),
                rule.effect.requirement.value,
                sorted(channel.value for channel in rule.effect.unusable),
                sorted(channel.value for channel in rule.effect.burdensome),
            ]
            for rule in decider.safeguards.rules
        ],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _values(tables: DecisionTables, rows: Rows) -> Floats:
    values: Floats = tables.fold_values(rows).mean(axis=2)
    return values


def _decided(decider: Decider, rows: Rows) -> list[tuple[int, int]]:
    found = decider.decide(rows)
    return list(zip(found.mix.tolist(), found.status.tolist(), strict=True))


def _drawn(decider: Decider) -> Rows:
    """Draws cases, every field evenly over its slots; in every other one few rules apply."""
    features, rng = decider.tables.features.features, np.random.default_rng(0)
    rows = np.stack([rng.integers(0, one.slots, CASES) for one in features], axis=1)
    free = _unguarded(decider)
    for column, feature in enumerate(features):
        if feature.name in free:
            rows[::2, column] = free[feature.name]
    # Else people alone would handle two in three, and little would be decided.
    shielded = decider.tables.features["shielded"]
    rows[:, decider.tables.features.column("shielded")] = shielded.slot("NO")
    return rows.astype(np.uint16)


def _unguarded(decider: Decider) -> Mapping[str, int]:
    """Gives a slot of each guarded field to which no rule applies, where there is one."""
    guarded: dict[str, set[int]] = {}
    for rule in decider.safeguards.rules:
        guarded.setdefault(rule.feature, set()).update(rule.slots)
    features = decider.tables.features
    free = {
        name: [slot for slot in range(1, features[name].slots) if slot not in slots]
        for name, slots in guarded.items()
    }
    return {name: slots[0] for name, slots in free.items() if slots}
