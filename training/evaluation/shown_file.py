"""What showing the advice did, as the ledger's textfile tells it."""

from __future__ import annotations

from collections import defaultdict
from math import inf
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from router.mendable import Mendable
from training.evaluation.figures import ShownFigures

_METRIC, _CASES = "router_shown_outcome_ratio", "router_shown_cases"
_ALL = "ALL"
_LEDGER = "router_ledger_"
_ENDS = ("value", "low", "high")


class ShownUnreadable(Mendable, ValueError):
    """The textfile is none, or is about other than all offices; the message says which."""


def read_shown(path: Path) -> ShownFigures:
    """Reads the effects of all offices together; of the only one, where there is one.

    Raises:
        ShownUnreadable: if the file cannot be read, is not the ledger's or was damaged, or tells of
            several offices and not of all.
    """
    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ShownUnreadable(f"shown: {path}: is no textfile ({error})") from error
    samples = [one for family in families for one in family.samples]
    if not any(one.name.startswith(_LEDGER) for one in samples):
        raise ShownUnreadable(
            f"shown: {path}: holds nothing of the ledger; write it with "
            "`router ledger --office ALL --prometheus`"
        )
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    offices = set()
    try:
        for one in samples:
            if one.name in (_METRIC, _CASES):
                offices.add(one.labels["office"])
            if one.name == _METRIC:
                found[one.labels["office"]][one.labels["group"]][one.labels["end"]] = one.value
    except KeyError as error:
        raise ShownUnreadable(f"shown: {path}: a sample lacks the label {error}") from error
    if len(offices) > 1 and _ALL not in offices:
        raise ShownUnreadable(
            f"shown: {path}: tells of {len(offices)} offices and not of ALL; "
            "write it with `router ledger --office ALL --prometheus`"
        )
    if not offices:
        return ShownFigures(overall=None, groups={})
    of_all = found[_ALL if _ALL in offices else next(iter(offices))]
    try:
        effects = {
            group: (ends["value"], ends["low"], ends["high"]) for group, ends in of_all.items()
        }
    except KeyError as error:
        raise ShownUnreadable(
            f"shown: {path}: {_METRIC} lacks end {error}; it needs {', '.join(_ENDS)}"
        ) from error
    for group, (value, low, high) in effects.items():
        # Not so with NaN either.
        if not -inf < low <= value <= high < inf:
            raise ShownUnreadable(
                f"shown: {path}: {_METRIC} of {group} is {value}, from {low} to {high}; "
                "a value lies between its ends"
            )
    overall = effects.pop(_ALL, None)
    return ShownFigures(overall=overall, groups=effects)
