"""`python -m bench.unordered`: how often, and by how much, what stands in no order lowers contact.

Of simulated cases, with the promoted version under the national policy: each case with the value
changed against the same case as it would otherwise be.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from router.cases.features import FEATURES
from router.commands.score import load_decider
from router.decision.decide import Decider
from router.decision.schema import Rows
from router.decision.tables import Floats
from router.versions.registry import promoted_version
from training.simulation.population import draw_population

CASES = 20_000
MODELS, POLICIES = Path("models"), Path("policies")
# Field, the value that stands in no order, and what it is compared with.
COMPARED = (
    ("travel_minutes_band", "OVER_60", "20_TO_60"),
    ("channel_preference", "PREFERS_REMOTE_TALK", "NO_PREFERENCE"),
    ("channel_preference", "PREFERS_REMOTE_TALK", "PREFERS_DIGITAL"),
    ("goal_by_user", "NO", "YES"),
)


def main() -> None:
    shipped, _ = load_decider(MODELS / promoted_version(MODELS), POLICIES)
    drawn = draw_population(np.random.default_rng(0), CASES)
    rows = np.column_stack([drawn[name] for name in FEATURES.names]).astype(np.uint16)
    print(f"{CASES:,} simulated cases, {promoted_version(MODELS)}")
    # The price in force, and the one at which contact costs nothing and most is lost.
    for price in (shipped.policy.price, 0.0):
        decider = replace(shipped, policy=replace(shipped.policy, price=price))
        for name, value, other in COMPARED:
            usual, changed = (_minutes(decider, rows, name, one) for one in (other, value))
            fewer = np.maximum(usual - changed, 0)
            share = float((fewer > 0).mean())
            mean = float(fewer.sum()) / max(1, int((fewer > 0).sum()))
            told = f"{name} {value} against {other}: fewer minutes in {share:.1%}"
            print(f"price {price:g}: {told}, by {mean:.0f} on average")


def _minutes(decider: Decider, rows: Rows, name: str, value: str) -> Floats:
    changed = rows.copy()
    changed[:, FEATURES.column(name)] = FEATURES[name].slot(value)
    minutes: Floats = decider.catalogue.minutes[decider.decide(changed).mix]
    return minutes


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m bench.unordered", description=__doc__).parse_args()
    main()
