"""The tables that the benchmark prints, in Markdown, and the lines that must hold."""

from __future__ import annotations

import numpy as np

from bench.learning.halves import OURS, Difference
from bench.learning.known import Score
from bench.learning.trials import Trial
from bench.learning.worth import BUDGETS

# What ours must reach on five_plans, of what can be gained there.
AIM = 0.80
Differences = dict[str, list[Difference]]  # by rule, one a split
_COLUMNS = ("value", *(f"at {budget:.0f} min" for budget in BUDGETS))


def known_table(problem: str, found: dict[str, list[Score]]) -> str:
    """Writes mean and standard error over seeds of every learner on one problem."""
    seeds = len(next(iter(found.values())))
    lines = [
        f"### {problem}, {seeds} seeds",
        "",
        f"| learner | {' | '.join(_COLUMNS)} | minutes | seconds |",
        "|---" * (len(_COLUMNS) + 3) + "|",
    ]
    for name, scores in found.items():
        gains = np.array([score.gains for score in scores])
        cells = [_mean_error(column) for column in gains.T]
        minutes, seconds = (
            np.mean([getattr(score, key) for score in scores]) for key in ("minutes", "seconds")
        )
        lines.append(
            f"| {name} | {' | '.join(cells)} | {minutes:.0f} | {_number(float(seconds), '.0f')} |"
        )
    return "\n".join(lines)


def known_verdicts(
    problem: str, found: dict[str, list[Score]], peers: tuple[str, ...]
) -> list[str]:
    """Tells whether the served tables lead every peer: mean difference by seed, its error."""
    ours = np.array([score.gains for score in found[OURS]])
    lines = []
    if problem == "five_plans":
        mean = float(ours[:, 0].mean())
        lines.append(
            f"{_verdict(mean >= AIM)} {problem}, value: {_mean_error(ours[:, 0])}, "
            f"must be at least {AIM:.2f}"
        )
    for number, column in enumerate(_COLUMNS):
        rivals = {name: np.array([score.gains[number] for score in found[name]]) for name in peers}
        rivals = {name: gains for name, gains in rivals.items() if not np.isnan(gains).any()}
        if rivals:
            name, gains = max(rivals.items(), key=lambda rival: float(rival[1].mean()))
            lead = ours[:, number] - gains
            told = f"{_mean_error(lead, '+')} to {name}, the best peer"
            lines.append(f"{_verdict(bool(lead.mean() >= 0))} {problem}, {column}: {told}")
    return lines


def trial_table(trial: Trial, title: str, found: Differences, against: str) -> str:
    """Writes mean differences over splits, by AIPW and IPS, and the mean error within one."""
    lines = [
        f"### {trial.name}: {title}",
        "",
        f"In {trial.unit}, less {against}; "
        "(standard error of the paired difference within a split).",
        "",
        "| rule | AIPW | IPS | mean spend | splits |",
        "|---|---|---|---|---|",
    ]
    for name, halves in found.items():
        one = mean_difference(halves)
        aipw, ips = (
            f"{mean:+.2f} ({se:.2f})"
            for mean, se in ((one.aipw, one.aipw_error), (one.ips, one.ips_error))
        )
        lines.append(f"| {name} | {aipw} | {ips} | {one.spend:.2f} | {len(halves)} |")
    return "\n".join(lines)


def trial_verdicts(trial: Trial, single: Differences, budgeted: Differences) -> list[str]:
    """Tells whether no harm is done, and what a budget gains."""
    one = mean_difference(single[OURS])
    told = f"{one.aipw:+.2f} ({one.aipw_error:.2f}) {trial.unit} to the best single arm"
    surely = "" if one.aipw > 2 * one.aipw_error else "; no gain is shown"
    harmless = _verdict(one.aipw >= -one.aipw_error)
    lines = [f"{harmless} {trial.name}, no harm: {told}, must be at least -1 error{surely}"]

    if budgeted:
        one = mean_difference(budgeted[OURS])
        gained = f"{one.aipw:+.2f} ({one.aipw_error:.2f}) {trial.unit}"
        told = f"{gained} to a blind mixture at a spend of {one.spend:.2f}"
        surely = "" if one.aipw > 2 * one.aipw_error else "; not beyond two errors"
        lines.append(
            f"{_verdict(one.aipw > 0)} {trial.name}, gain at a fixed budget: {told}{surely}"
        )
    return lines


def mean_difference(halves: list[Difference]) -> Difference:
    """Averages over splits, field by field. Splits overlap.

    Their errors are averaged, never divided by their number.
    """
    fields = ("aipw", "aipw_error", "ips", "ips_error", "spend")
    return Difference(
        **{name: float(np.mean([getattr(one, name) for one in halves])) for name in fields}
    )


def _verdict(holds: bool) -> str:
    return "- holds:" if holds else "- FAILS:"


def _mean_error(values: np.ndarray, sign: str = "") -> str:
    if np.isnan(values).any():
        return "–"
    error = f" ({values.std(ddof=1) / np.sqrt(len(values)):.3f})" if len(values) > 1 else ""
    return f"{values.mean():{sign}.3f}{error}"


def _number(value: float, form: str) -> str:
    return "–" if np.isnan(value) else f"{value:{form}}"
