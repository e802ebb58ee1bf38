"""`propose`: which mixes to draw next, so that a synergy of two channels is known twice as well."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from router.cases.assumed import Assumed
from router.commands.told import tell_assumed
from router.decision.catalogue import Catalogue, Channel, Mix
from router.decision.decide import Decider
from router.decision.policy import Policy
from router.decision.unscored import for_mixes
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policy
from training.commands.options import MODELS, PLACE, POLICIES
from training.commands.promoted import promoted_rival
from training.commands.reading import Reading, reads_cases
from training.commands.told import tell_few
from training.evaluation.ready import ready

if TYPE_CHECKING:
    from training.evaluation.evaluate import Held, Rival
    from training.evaluation.propose import Proposal
    from training.evaluation.squares import Square
    from training.learning.scores import Floats

_CHANNEL = click.Choice([channel.value for channel in Channel])
_DOUBLED = 12
_SQUARES = 16
_SHOWN = 3


@click.command()
@click.option(
    "--cases", type=PLACE, multiple=True, required=True, help="Logged cases; may be given again."
)
@click.option("--pair", type=(_CHANNEL, _CHANNEL), required=True, help="Two channels.")
@click.option(
    "--next",
    "next_cases",
    type=click.IntRange(100, 10_000_000),
    help="Cases to come.  [default: as many as logged]",
)
@reads_cases
@POLICIES
@MODELS
def propose(
    cases: tuple[Path, ...],
    pair: tuple[str, str],
    next_cases: int | None,
    reading: Reading,
    policies: Path,
    models: Path,
) -> None:
    """Print which mixes to draw among, for the least adviser time, and the lines of the policy.

    It halves the variance of the synergy of two channels. Exit 1 if nothing does with so many
    cases. A mix that was never logged is valued by its channels, for this alone.
    """
    from training.evaluation.evaluate import served_by_nothing
    from training.evaluation.propose import NothingToPropose
    from training.evaluation.squares import channel_pairs, nearest_squares

    catalogue = load_catalogue(policies / "mixes.toml")
    agency = load_policy(policies / "national.toml", catalogue)
    wanted = next((one for one in channel_pairs(catalogue) if set(_names(one)) == set(pair)), None)
    if wanted is None:
        known = " and ".join(_names(channel_pairs(catalogue)[0]))
        raise NothingToPropose(
            f"pair: {' and '.join(pair)} must be two different channels that mixes of the "
            f"catalogue have, such as {known}"
        )
    rival = promoted_rival(models, catalogue)
    if rival is None:
        raise NothingToPropose(
            "models: exploration draws near what the promoted version advises, and there is none: "
            "promote one, or name its folder with --models"
        )
    assumed = Assumed()
    logged = reading.read(cases, catalogue, assumed)
    tell_assumed(assumed)
    start = ready(logged, catalogue, agency, seed=reading.seed)
    tell_few(start.few)
    near = nearest_squares(catalogue, wanted, start.catalogue.ids)
    if not near:
        raise NothingToPropose(
            f"pair: {' and '.join(pair)}: no mix can have neither of them; choose other channels"
        )
    held = served_by_nothing(start.cases, start.catalogue, start.policy, start.seed)
    tried = _Tried(held, catalogue, agency, rival, near[:_SQUARES])

    count = next_cases or len(held.cases.mix)
    if found := tried.best(count):
        _tell(found, count, catalogue)
        return
    click.echo(f"nothing that exploration can draw halves the variance with {count:,} cases")
    for _ in range(_DOUBLED):
        count *= 2
        if tried.best(count):
            click.echo(f"{count:,} cases do: --next {count}")
            break
    else:
        click.echo(
            f"nor with {count:,}: some mix of each square is too far from the best for any margin "
            "that a policy may have"
        )
    sys.exit(1)


class _Tried:
    """Squares of two channels, with what is known of each and what could be drawn."""

    def __init__(
        self,
        held: Held,
        catalogue: Catalogue,
        agency: Policy,
        rival: Rival,
        near: tuple[Square, ...],
    ) -> None:
        from training.evaluation.evaluate import synergy_log
        from training.evaluation.propose import NothingToPropose, Service, known_so_far, spread_of
        from training.evaluation.squares import why_not, with_mixes

        self._spread = spread_of(held.fitted, held.cases.mix, held.cases.outcome)
        self._known: list[tuple[Square, Service, Floats]] = []
        why = NothingToPropose("mixes: the catalogue can have none of those that are missing")
        for square in near:
            new = tuple(mix for mix in square.missing if mix.id not in catalogue.ids)
            # One by one: two new mixes may stand in each other's way too.
            if any(why_not(catalogue, mix, agency) for mix in new):
                continue
            wider = with_mixes(catalogue, new)
            decider = Decider(
                tables=for_mixes(rival.tables, catalogue.ids, wider.ids),
                catalogue=wider,
                policy=replace(agency, menu=(*agency.menu, *(mix.id for mix in new))),
            )
            service = Service.of(decider, held.cases.rows)
            whom = service.all_permitted(square.ids)
            try:
                known = known_so_far(square, held.mixes, wider, synergy_log(held), whom)
            except NothingToPropose as problem:
                why = problem
                continue
            self._known.append((square, service, known))
        if not self._known:
            raise why

    def best(self, count: int) -> list[Proposal]:
        """Orders proposals: least adviser time, where time saved counts for nothing; outcome."""
        from training.evaluation.propose import proposals

        found = [
            one
            for square, service, known in self._known
            for one in proposals(square, service, known, self._spread, count)
        ]
        return sorted(found, key=lambda one: (max(0.0, one.minutes), one.outcome, one.share))


def _names(pair: tuple[Channel, Channel]) -> tuple[str, str]:
    return pair[0].value, pair[1].value


def _tell(found: list[Proposal], count: int, catalogue: Catalogue) -> None:
    for place, one in enumerate(found[:_SHOWN]):
        told = "the least adviser time" if place == 0 else "or"
        both, first, second, neither = one.square
        click.echo(
            f"{told}: draw among {', '.join(one.drawn)} for {one.reached:.1%} of {count:,} cases: "
            f"{one.minutes / 60:+,.0f} adviser hours, {-one.outcome:+,.1f} goals reached"
        )
        click.echo(
            f"    {both} + {neither} - {first} - {second}, which safeguards permit to "
            f"{one.whom:.1%} of the cases: error {100 * one.before:.1f} to {100 * one.after:.1f} "
            "points"
        )
    best = found[0]
    new = [mix for mix in best.new if mix.id not in catalogue.ids]
    if new:
        click.echo("\n# mixes.toml, by adviser minutes, under a new version")
        click.echo("\n".join(map(_mix_lines, new)))
        click.echo(f"\n# national.toml, in menu: {', '.join(mix.id for mix in new)}")
    named = ", ".join(f'"{mix}"' for mix in best.drawn)
    click.echo("\n# national.toml, or an office's file within [offices.bounds]; a new version")
    click.echo(
        f"[exploration]\nshare = {best.share:.3f}\nmargin = {best.margin:g}\nmixes = [{named}]"
    )


def _mix_lines(mix: Mix) -> str:
    rows = [
        f'    {{ channel = "{one.channel.value}", first_week = {one.first_week}, '
        f"every_n_days = {one.every_n_days}, minutes = {one.minutes} }},"
        for one in mix.elements
    ]
    demand = str(mix.digital_demand).lower()
    return "\n".join(
        [
            "[[mix]]",
            f'id = "{mix.id}"  # {mix.adviser_minutes} minutes; give it a name of your own',
            f"digital_demand = {demand}",
            "elements = [",
            *rows,
            "]",
        ]
    )
