"""JTPA beside the welfare that Kitagawa and Tetenov published (Econometrica 2018)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.learning.halves import Difference
from bench.learning.tables import mean_difference
from bench.learning.trials import Trial, jtpa
from bench.learning.worth import best
from training import learn

# Gain over treating nobody, in $ a person, and the share treated: without and with the cost of
# $774.
TREAT_ALL, QUADRANT = ((1180, 1.00), (404, 1.00)), ((1340, 0.95), (643, 0.80))


def published(folder: Path, held_out: list[Difference]) -> str:
    """Tells their gains and ours over treating nobody.

    Theirs are found and measured on the same 9,223 people. So is our third row; the fourth is on
    halves that nobody learned from, and the only one that says what to expect of others.
    """
    gross, net = (_in_sample(jtpa(folder, cost=cost)) for cost in (0.0, 774.0))
    honest = mean_difference(held_out)
    rows = [
        ("Kitagawa and Tetenov: treat all", *TREAT_ALL),
        ("Kitagawa and Tetenov: quadrant rule, in sample", *QUADRANT),
        ("ours, in sample as theirs", gross, net),
    ]
    lines = [
        "### JTPA: gain over treating nobody, beside published welfare",
        "",
        "| rule | $ a person | treated | $ net of cost | treated |",
        "|---|---|---|---|---|",
        *(f"| {name} | {a:,.0f} | {b:.0%} | {c:,.0f} | {d:.0%} |" for name, (a, b), (c, d) in rows),
        f"| ours, held out: IPS | – | – | {honest.ips:,.0f} ({honest.ips_error:,.0f}) "
        f"| {honest.spend:.0%} |",
        f"| ours, held out: AIPW | – | – | {honest.aipw:,.0f} ({honest.aipw_error:,.0f}) "
        f"| {honest.spend:.0%} |",
    ]
    return "\n".join(lines)


def _in_sample(trial: Trial) -> tuple[float, float]:
    """Measures the IPS gain over treating nobody, and the share treated, as they measure both.

    That is on the very people learned from.
    """
    drawn = trial.chance[np.arange(len(trial.arm)), trial.arm]
    learned = learn(
        trial.rows, trial.arm, trial.outcome, propensity=drawn, calibrate=False, seed=0, jobs=2
    )
    treated = best(learned.values(trial.rows))[:, 1]
    # Less the mean, as theirs: the same draw of treatments then gives their $1,180 for treating
    # all.
    weighted = (trial.outcome - trial.outcome.mean()) * np.where(trial.arm == 1, 1, -1) / drawn
    return float((treated * weighted).mean() * trial.scale), float(treated.mean())
