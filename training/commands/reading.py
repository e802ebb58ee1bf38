"""How commands read logged cases: one set of options, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from router.cases.assumed import Assumed
from router.cases.mapping import read_mapping
from router.commands.options import DATE, MAP
from router.decision.catalogue import Catalogue
from training.commands.options import PLACE, SEED
from training.data.dataset import CASES_OF_A_MIX, HORIZON_AT_MOST, LoggedCases, read_cases


class _Columns(click.Option):
    """One column, or two different ones."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:  # noqa: ANN401 - click's own
        columns = super().process_value(ctx, value)
        if len(columns) > 2 or len(set(columns)) < len(columns):
            told = f"{', '.join(columns)}; give one column or two different ones"
            raise click.BadParameter(told, ctx, self)
        return columns


_OPTIONS = (
    MAP,
    click.option(
        "--audit", type=PLACE, help="Purpose-bound groups by case_ref, for fairness alone."
    ),
    click.option(
        "--horizon",
        type=click.IntRange(1, HORIZON_AT_MOST),
        help="Days until an outcome is complete.",
    ),
    click.option(
        "--as-of",
        type=DATE,
        help="Last day that outcomes were recorded for.  [default: the newest decision]",
    ),
    click.option(
        "--cluster",
        "clusters",
        multiple=True,
        metavar="COLUMN",
        cls=_Columns,
        help="What cases belong to, such as a pseudonym of the person; a second one, such as "
        "office_ref, for both.  [default: office_ref]",
    ),
    SEED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How logged cases are to be read, as the options say (`reads_cases`).

    Attributes:
        map_file: what columns and codes are called in the files, or None.
        audit: groups for fairness, or None.
        horizon: days until an outcome is complete, or None.
        as_of: last day that outcomes were recorded for, or None.
        clusters: columns that say what a case belongs to.
        seed: of what is drawn.
    """

    map_file: Path | None
    audit: Path | None
    horizon: int | None
    as_of: datetime | None
    clusters: tuple[str, ...]
    seed: int

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that are read beside the cases."""
        return tuple(one for one in (self.map_file, self.audit) if one is not None)

    def read(
        self,
        files: Sequence[Path],
        catalogue: Catalogue,
        assumed: Assumed,
        *,
        least_of_a_mix: int = CASES_OF_A_MIX,
    ) -> LoggedCases:
        """Reads the cases.

        Args:
            files: files, folders and patterns.
            catalogue: of the mixes that may be logged.
            assumed: what was assumed of the files is added here.
            least_of_a_mix: fewest cases of at least two mixes.

        Raises:
            CasesRefused: with every problem of the files.
        """
        return read_cases(
            files,
            catalogue,
            self.audit,
            self.horizon,
            None if self.as_of is None else self.as_of.date(),
            self.clusters,
            mapping=read_mapping(self.map_file),
            assumed=assumed,
            least_of_a_mix=least_of_a_mix,
        )


def reads_cases(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of reading cases, as one argument `reading`."""
    names = [one.name for one in fields(Reading)]

    @wraps(command)
    def told(**given: Any) -> None:  # noqa: ANN401 - whatever the command's options are
        command(reading=Reading(**{name: given.pop(name) for name in names}), **given)

    for option in reversed(_OPTIONS):
        told = option(told)
    return told
