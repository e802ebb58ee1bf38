"""Ours beside the peers, on problems with known counterfactuals and on real trials.

Prints Markdown; always exits 0.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from bench.learning.halves import OUR_STACK, OURS, Difference, half
from bench.learning.known import PROBLEMS, Score, ours, peer, practice
from bench.learning.peers import PEERS
from bench.learning.published import published
from bench.learning.tables import known_table, known_verdicts, trial_table, trial_verdicts
from bench.learning.trials import TRIALS
from bench.plans import PROBLEMS as OPEN

SPLITS, PEER_SPLITS = 20, 5


def main() -> None:
    """Runs what is asked for."""
    asked = _asked()
    verdicts: list[str] = []
    for name in asked.problem or ([] if asked.trial else OPEN):
        verdicts += _known(name, asked.seeds, ours_only=asked.ours_only)
    for name in asked.trial or (TRIALS if asked.data and not asked.problem else []):
        verdicts += _trial(
            name, asked.data, asked.splits, 0 if asked.ours_only else asked.peer_splits
        )
    print("\n".join(["## Must hold", "", *verdicts]))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.learning", description=__doc__)
    parser.add_argument("--ours-only", action="store_true", help="without the peers")
    parser.add_argument(
        "--problem", choices=PROBLEMS, action="append", help="only this one; may be repeated"
    )
    parser.add_argument("--seeds", type=_numbers, default=list(range(5)), help="default 0,1,2,3,4")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of the trials' files; without it, no trials",
    )
    parser.add_argument(
        "--trial", choices=TRIALS, action="append", help="only this one; may be repeated"
    )
    parser.add_argument(
        "--splits", type=int, default=SPLITS, help=f"half splits of a trial; default {SPLITS}"
    )
    parser.add_argument(
        "--peer-splits",
        type=int,
        default=PEER_SPLITS,
        help=f"the first so many of them with the peers; default {PEER_SPLITS}",
    )

    asked = parser.parse_args()
    if asked.trial and not asked.data:
        parser.error("--trial needs --data DIR")
    return asked


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _known(problem: str, seeds: list[int], *, ours_only: bool) -> list[str]:
    found: dict[str, list[Score]] = {"logged practice": [practice(problem, seed) for seed in seeds]}

    peers = () if ours_only else tuple(PEERS)
    lost = []
    for name in peers:
        scores = [score for seed in seeds if (score := peer(name, problem, seed))]
        # A mean over the seeds that a peer survived would flatter it.
        if len(scores) == len(seeds):
            found[name] = scores
        else:
            lost.append(f"- not measured: {problem}, {name} failed")

    found |= {OUR_STACK: [], OURS: []}
    print("```")
    for seed in seeds:
        one = ours(problem, seed)
        found[OUR_STACK].append(one.stack)
        found[OURS].append(one.tables)
        weights = " ".join(
            f"{teacher} {weight:.2f}" for teacher, weight in one.weights.items() if weight > 0
        )
        for kind, score in (("tables", one.tables), ("stack ", one.stack)):
            gains = " ".join(f"{share:6.3f}" for share in score.gains)
            spent = f"{score.minutes:6.1f} min {score.seconds:6.1f} s"
            print(f"{problem} seed {seed} {kind} {gains} {spent}", flush=True)
        print(f"    weights: {weights}", flush=True)
    print("```", "", known_table(problem, found), "", sep="\n", flush=True)

    return known_verdicts(problem, found, tuple(name for name in peers if name in found)) + lost


def _trial(name: str, folder: Path, splits: int, peer_splits: int) -> list[str]:
    trial = TRIALS[name](folder)
    halves = [half(trial, name, split, with_peers=split < peer_splits) for split in range(splits)]
    single, budgeted = (
        _by_rule(one.to_single for one in halves),
        _by_rule(one.at_budget for one in halves),
    )

    print(
        trial_table(
            trial, "without a budget", single, "the single arm that was best on the training half"
        ),
        "\n",
    )

    if budgeted:
        title = f"at a mean spend of {trial.budget}"
        print(
            trial_table(trial, title, budgeted, "a covariate-blind mixture at the same spend"), "\n"
        )

    if name == "jtpa":
        print(published(folder, _by_rule(one.to_none for one in halves)[OURS]), "\n", flush=True)
    return trial_verdicts(trial, single, budgeted)


def _by_rule(halves: Iterator[dict[str, Difference]]) -> dict[str, list[Difference]]:
    found: dict[str, list[Difference]] = {}
    for one in halves:
        for rule, difference in one.items():
            found.setdefault(rule, []).append(difference)
    return found


if __name__ == "__main__":
    main()
