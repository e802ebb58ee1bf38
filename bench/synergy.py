"""Do intervals hold a planted synergy, and is none claimed where there is none?

`python -m bench.synergy`, with `--newhaven FILE` also on a real factorial: New Haven 1998, personal
visits, phone calls and mailings (Gerber, Green 2000, corrected; in the R package FindIt). The file
is public and not part of this project.

Each draw makes new offices, which differ in level, in how well a mix works and in what they like,
and a log of four mixes (one square) or eight (three pairs of channels, two squares each). Chances
are known, outcomes are expected by least squares, cross-fitted; with `--boosted` as `synergy` does.
Printed: how often 90 % intervals hold the truth, how often any synergy is claimed where there is
none, and how often a mix that is left out lies within what its channels say, each with its standard
error over draws.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from router.decision.catalogue import Catalogue, Channel, Mix, MixElement
from router.versions.synergies import CANNOT_TELL
from training.evaluation import figures
from training.evaluation.from_channels import left_out, terms_of
from training.evaluation.synergy import (
    Log,
    Measured,
    answer,
    covariance_of,
    measure,
    synergies,
    together,
)
from training.learning.crossfit import Nuisances, cross_fit
from training.learning.nuisance import outcome_matrix
from training.learning.scores import Floats, Numbers, doubly_robust, folds_of

FIRST_SEED = 71_000
CASES, OFFICES = 5_000, 40
PLANTED = 0.04
Z = 1.645
VARIED = (Channel.DIALOGUE_MESSAGE, Channel.PHONE, Channel.VIDEO)
COVERS, CLAIMS, LEFT_OUT = (0.85, 0.95), 0.05, 0.85
VISIT, PERSONAL_PHONE = (2.6, 1.1), (1.6, 2.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One log, and the true synergy of each pair that it can tell."""

    log: Log
    catalogue: Catalogue
    truth: float


def a_factorial(channels: tuple[Channel, ...]) -> tuple[Catalogue, Numbers]:
    """Makes a catalogue of every combination of channels, and which mix has which, (mixes, m)."""
    plan = MixElement(channel=Channel.SELF_SERVICE, first_week=1, every_n_days=28, minutes=1)
    mixes = []
    for having in product((0, 1), repeat=len(channels)):
        own = tuple(
            # Minutes as powers of two: no two mixes take as many.
            MixElement(channel=channel, first_week=1, every_n_days=0, minutes=10 * 2**place)
            for place, (channel, has) in enumerate(zip(channels, having, strict=True))
            if has
        )
        name = "_".join(["PLAN", *(one.channel.value for one in own)])
        mixes.append(Mix(id=name, weeks=12, digital_demand=True, elements=(plan, *own)))
    order = np.argsort([mix.adviser_minutes for mix in mixes])
    which: Numbers = np.array(list(product((0, 1), repeat=len(channels))))[order]
    ordered = tuple(mixes[place] for place in order.tolist())
    return Catalogue(version="bench", mixes=ordered), which


def drawn(
    seed: int,
    synergy: float,
    channels: tuple[Channel, ...] = VARIED[:2],
    *,
    boosted: bool = False,
    cases: int = CASES,
) -> Drawn:
    """Draws offices and their cases; the first two channels have the synergy, the others none."""
    rng = np.random.default_rng(seed)
    catalogue, having = a_factorial(channels)
    mixes = len(having)
    office = rng.integers(0, OFFICES, cases)
    x = rng.random((cases, 2))
    worth = having @ np.array([0.03, 0.04, 0.05])[: len(channels)]
    worth = worth + synergy * having[:, 0] * having[:, 1]
    # What offices add is 0 on average, also to each mix.
    level = rng.normal(0, 0.04, OFFICES)[office]
    works = rng.normal(0, 0.02, (OFFICES, mixes))[office]
    values = 0.32 + 0.15 * x[:, :1] + level[:, None] + worth + works
    likes = rng.normal(0, 0.4, (OFFICES, mixes))[office] + x[:, 1:] * having.sum(axis=1)
    chances = np.exp(likes)
    chances /= chances.sum(axis=1, keepdims=True)
    mix = (rng.random(cases)[:, None] > chances.cumsum(axis=1)).sum(axis=1).clip(max=mixes - 1)
    outcome = (rng.random(cases) < values[np.arange(cases), mix]).astype(np.float64)
    features = np.column_stack([x, office])
    chance = chances[np.arange(cases), mix]
    if boosted:
        fitted = cross_fit(features, mix, outcome, mixes, propensity=chance, seed=seed)
    else:
        mu = _least_squares(
            np.column_stack([x, np.eye(OFFICES)[office]]), mix, outcome, mixes, seed
        )
        fitted = Nuisances(
            mu=mu,
            chances=chances,
            estimated=chances,
            chance=chance,
            scores=doubly_robust(mu, mix, outcome, chance, clip=0.0),
            fold=np.zeros(cases, np.int64),
        )
    log = Log.of(fitted, mix, outcome, office[:, None])
    return Drawn(log=log, catalogue=catalogue, truth=synergy)


def _least_squares(rows: Floats, mix: Numbers, outcome: Floats, mixes: int, seed: int) -> Floats:
    fold = folds_of(len(mix), 2, seed)
    expected = np.empty((len(mix), mixes))
    for held in (0, 1):
        for number in range(mixes):
            known = (fold != held) & (mix == number)
            # A ridge of one case: an office may have none with this mix.
            gram = rows[known].T @ rows[known] + np.eye(rows.shape[1])
            found = np.linalg.solve(gram, rows[known].T @ outcome[known])
            expected[fold == held, number] = rows[fold == held] @ found
    return expected


def told(one: Drawn) -> tuple[list[bool], bool]:
    """Says whether the interval of the first pair holds the truth, and whether any is claimed."""
    ids = one.catalogue.ids
    found = synergies(one.log, ids, one.catalogue, {}).pairs
    measured = [pair for pair in found if pair.outcome is not None]
    held = [
        pair.outcome.low <= one.truth <= pair.outcome.high
        for pair in measured
        if pair.outcome is not None
        and {pair.first, pair.second} == {channel.value for channel in VARIED[:2]}
    ]
    return held, any(pair.answer != CANNOT_TELL for pair in measured)


def mixes_left_out(seed: int, *, boosted: bool = False) -> list[bool]:
    """Says of one draw of eight mixes whether what channels say of each holds its estimate."""
    one = drawn(seed, 0.02, VARIED, boosted=boosted)
    scores = one.log.scores
    sigma = covariance_of(scores - scores.mean(axis=0), one.log.cluster)
    _, having = a_factorial(VARIED)
    apart, errors = left_out(terms_of(having.astype(np.float64)), scores.mean(axis=0), sigma)
    known = ~np.isnan(apart)
    inside: list[bool] = (np.abs(apart[known]) <= Z * errors[known]).tolist()
    return inside


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHaven:
    """The real factorial, 16 cells.

    Attributes:
        log: of its people.
        having: (16, 3) visit, phone, mailings of each cell.
    """

    log: Log
    having: Numbers

    def effect(self, *places: int) -> Measured:
        """Measures an average marginal (interaction) effect of visit (0), phone (1), or both.

        What else was done counts alike, as squares do in `synergies`.
        """
        signs = np.prod(2 * self.having[:, list(places)] - 1, axis=1)
        found = measure(signs / (16 / 2 ** len(places)), self.log)
        assert found is not None
        return found


def read_newhaven(path: Path) -> NewHaven:
    """Reads the file, and gives scores by chances that are the shares of each cell."""
    frame = pl.read_csv(path)
    having = np.array(list(product((0, 1), (0, 1), (0, 1, 2, 3))))
    visit = frame["persngrp"].to_numpy() > 0
    phone = frame["phnscrpt"].to_numpy() > 0
    mail = frame["mailings"].to_numpy()
    mix = (8 * visit + 4 * phone + mail).astype(np.int64)
    shares = np.bincount(mix, minlength=16) / len(mix)
    outcome = frame["voted98"].to_numpy().astype(np.float64)
    names = ("age", "majorpty", "vote96_1", "vote96_0")
    features = np.column_stack([frame[name].to_numpy().astype(np.float64) for name in names])
    # Chances are known, so that of both nuisances only the outcome is fitted.
    mu = outcome_matrix(features, mix, outcome, 16, folds_of(len(mix), 5, 1), 1)
    chance = shares[mix]
    scores = doubly_robust(mu, mix, outcome, chance, clip=0.0)
    log = Log(
        scores=scores,
        possible=np.ones(scores.shape, np.bool_),
        chance=chance,
        mix=mix,
        outcome=outcome,
        cluster=None,
    )
    return NewHaven(log=log, having=having)


def tell_newhaven(path: Path) -> bool:
    """Prints what the real factorial says; false if it is not what was published."""
    real = read_newhaven(path)
    visit, both = real.effect(0), real.effect(0, 1)
    joint = together([both], None)
    reach = joint.critical * both.outcome.error
    looked = replace(both.outcome, low=both.outcome.value - reach, high=both.outcome.value + reach)
    says = answer(looked, figures.OK)
    print("\n| New Haven 1998 | points (standard error) | known |\n|---|---:|---:|")
    print(f"| personal visit | {_points(visit)} | {VISIT[0]:+.1f} ({VISIT[1]:.1f}) |")
    value, error = PERSONAL_PHONE
    print(f"| personal x phone: {says} | {_points(both)} | {value:+.1f} ({error:.1f}) |")
    scores = real.log.scores
    sigma = covariance_of(scores - scores.mean(axis=0), None)
    terms = terms_of(real.having.astype(np.float64))
    apart, errors = left_out(terms, scores.mean(axis=0), sigma)
    inside = np.abs(apart) <= Z * errors
    size = 100 * np.sqrt((apart**2).mean())
    print(f"| left out and inside 90 % | {inside.sum()} of 16, RMSE {size:.1f} | 16 of 16, 1.6 |")
    # Nuisances and folds are others than those of what is known: what they and rounding leave.
    near = all(
        abs(100 * one.outcome.value - aim) < 0.05 + 0.1 * 100 * one.outcome.error
        for one, aim in ((visit, VISIT[0]), (both, value))
    )
    return near and says == CANNOT_TELL and bool(inside.mean() >= LEFT_OUT)


def _points(one: Measured) -> str:
    return f"{100 * one.outcome.value:+.2f} ({100 * one.outcome.error:.2f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What came of one draw, by "1 pair" and "3 pairs" but for what is left out.

    Attributes:
        held: whether the interval of the planted synergy holds it, of each square that tells it.
        claimed: whether a synergy is claimed where one is planted.
        falsely: whether one is claimed where there is none.
        inside: whether a mix that is left out is inside what its channels say.
    """

    held: dict[str, list[bool]]
    claimed: dict[str, bool]
    falsely: dict[str, bool]
    inside: list[bool]


_PAIRS = {"1 pair": VARIED[:2], "3 pairs": VARIED}


def draw_once(seed: int, *, boosted: bool) -> Draw:
    """Draws and measures one of each kind."""
    held, claimed, falsely = {}, {}, {}
    for name, channels in _PAIRS.items():
        held[name], claimed[name] = told(drawn(seed, PLANTED, channels, boosted=boosted))
        _, falsely[name] = told(drawn(seed + 1_000_000, 0.0, channels, boosted=boosted))
    inside = mixes_left_out(seed + 2_000_000, boosted=boosted)
    return Draw(held=held, claimed=claimed, falsely=falsely, inside=inside)


def promises(draws: list[Draw]) -> Iterator[tuple[str, list[float], tuple[float, float]]]:
    """Yields each promise, what was measured of it by draw, and between which shares it is kept."""
    for name in _PAIRS:
        held = [float(np.mean(one.held[name])) for one in draws if one.held[name]]
        yield (
            f"{name}: 90 % intervals hold a planted {100 * PLANTED:g} points",
            held,
            COVERS,
        )
        falsely = [float(one.falsely[name]) for one in draws]
        yield f"{name}: claimed where there is none", falsely, (0.0, CLAIMS)
        power = [float(one.claimed[name]) for one in draws]
        yield f"{name}: claimed where planted (told, not promised)", power, (0.0, 1.0)
    inside = [float(np.mean(one.inside)) for one in draws]
    yield "mixes left out that are inside 90 %", inside, (LEFT_OUT, 1.0)


def error_of(shares: list[float]) -> float:
    """Gives the standard error of a mean over draws.

    Where all draws agree it is as of one more that does not: no draws make a share certain.
    """
    spread = float(np.std(shares, ddof=1)) if len(shares) > 1 else 0.0
    if spread == 0:
        spread = float(np.sqrt(len(shares))) / (len(shares) + 1)
    return spread / float(np.sqrt(len(shares)))


def main() -> int:
    """Prints the table; 1 if a promise is broken by more than two standard errors."""
    parser = argparse.ArgumentParser(prog="python -m bench.synergy", description=__doc__)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--minutes", type=float, help="as many of the draws as begin within them")
    parser.add_argument("--boosted", action="store_true")
    parser.add_argument("--newhaven", type=Path)
    given, began, kept = parser.parse_args(), time.perf_counter(), True
    draws: list[Draw] = []
    for seed in range(FIRST_SEED, FIRST_SEED + given.draws):
        spent = time.perf_counter() - began
        if given.minutes is not None and draws and spent > 60 * given.minutes:
            break
        draws.append(draw_once(seed, boosted=given.boosted))
    print("| promise | measured (standard error) | kept |\n|---|---:|---|")
    for name, found, (least, most) in promises(draws):
        share, error = float(np.mean(found)), error_of(found)
        good = least <= share <= most
        # Of few draws a share says little: what two errors may mend is not broken.
        open_ = not good and share - 2 * error <= most and share + 2 * error >= least
        print(f"| {name} | {share:.3f} ({error:.3f}) | {_KEPT[good, open_]} |", flush=True)
        kept &= good or open_
    if given.newhaven is not None:
        kept &= tell_newhaven(given.newhaven)
    print(f"\n{len(draws)} draws each, {OFFICES} offices; {time.perf_counter() - began:.0f} s")
    print("promises kept" if kept else "A PROMISE IS BROKEN")
    return 0 if kept else 1


_KEPT = {(True, False): "yes", (False, True): "too few draws to say", (False, False): "NO"}


if __name__ == "__main__":
    sys.exit(main())
