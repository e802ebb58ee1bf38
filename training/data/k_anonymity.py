"""Files of cases that leave: nobody can be singled out by what others may know of a person.

Quasi-identifiers are what a neighbour, a colleague or an adviser at another office may know without
the agency's files: age, schooling, where one lives (office, time to travel) and whether one needs
help with the language. A file is k-anonymous in them if every combination that occurs is shared by
at least k cases (Sweeney 2002); here k is 5. A missing value is a value like any other.

What it protects against: finding a known person's row by looking up those fields. What it does not
protect against: someone who already has the case system, where case_ref leads back; someone who
knows the exact figures of a case (weeks registered, counts of talks), for with some 40 fields
nearly every case is unique and k-anonymity over all of them would leave an empty file; and learning
what all k of a group have in common. So an exported file stays personal data: purpose, access and
deletion are as for the journal. Offices are coarsened to bands and days to weeks.

Suppression takes away those who are rare, and those are often the ones who most need a person: the
count, and whom it hit hardest, is told with every export.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from router.files.formats import check_out
from router.mendable import Mendable
from training.data.case_files import write_cases

QUASI_IDENTIFIERS = (
    "age_band",
    "education_level",
    "travel_minutes_band",
    "language_support",
    "office_ref",
)
K = 5
BANDS = ("office-small", "office-medium", "office-large")
ANY_BAND = "office-any"
# A band of one office would name it.
_OFFICES_OF_A_BAND = 2


class NotAnonymous(Mendable, ValueError):
    """Nothing can be exported; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymity:
    """How a file stands.

    Attributes:
        smallest: cases of the smallest group, 0 without cases.
        groups: combinations of quasi-identifiers that occur.
        under: which rows are in a group under k, a boolean series of length n.
    """

    smallest: int
    groups: int
    under: pl.Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written and what was not.

    Attributes:
        rows: cases written.
        suppressed: cases left out because fewer than k share their quasi-identifiers.
        shielded: cases left out because they are shielded or do not say.
        hardest: quasi-identifier, value and share of its cases suppressed, where that share is
            largest; None if none.
    """

    rows: int
    suppressed: int
    shielded: int
    hardest: tuple[str, str, float] | None

    def __str__(self) -> str:
        told = (
            f"{self.rows} cases exported, {self.suppressed} suppressed for k-anonymity, "
            f"{self.shielded} shielded"
        )
        if self.hardest is None:
            return told
        field, value, share = self.hardest
        return f"{told}; hit hardest: {field} {value}, {share:.0%} of its cases"


def check(
    frame: pl.DataFrame, quasi_identifiers: Sequence[str] = QUASI_IDENTIFIERS, k: int = K
) -> Anonymity:
    """Counts how many cases share their quasi-identifiers.

    A column that is absent is the same for all.

    Raises:
        ValueError: if k is below 2.
    """
    if k < 2:
        raise ValueError(f"k: {k} is below 2")
    fields = [name for name in quasi_identifiers if name in frame.columns]
    if not len(frame) or not fields:
        under = pl.Series("under", [len(frame) < k] * len(frame), dtype=pl.Boolean)
        return Anonymity(smallest=len(frame), groups=min(len(frame), 1), under=under)

    sizes = frame.select(pl.len().over(fields).alias("under"))["under"]
    groups: int = frame.select(pl.struct(fields).n_unique()).item()
    return Anonymity(smallest=sizes.to_numpy().min().item(), groups=groups, under=sizes < k)


def export_cases(
    frame: pl.DataFrame, out: Path, k: int = K, marks: Mapping[str, str] | None = None
) -> Exported:
    """Writes logged cases k-anonymously.

    Offices become bands and days Mondays; rows in groups under k are left out.

    Args:
        frame: logged cases, columns as `read_cases` takes them.
        out: ends with .parquet or .csv; written aside and renamed.
        k: fewest cases of a group, from 2.
        marks: metadata of a Parquet file, such as whether the cases are synthetic.

    Raises:
        NotAnonymous: if no case is left.
        OutRefused: if it cannot be written there.
        ValueError: if k is below 2.
    """
    check_out(out)
    # Who does not say whether they are shielded counts as shielded.
    open_cases = frame.filter((pl.col("shielded") == "NO").fill_null(False))

    coarse = _weeks(coarsen_offices(open_cases))
    under = check(coarse, k=k).under
    left = coarse.filter(~under)
    if not len(left):
        raise NotAnonymous(
            f"{out}: not written; of {len(coarse)} cases none is in a group of at least {k}"
        )

    write_cases(left, out, marks or {})
    return Exported(
        rows=len(left),
        suppressed=int(under.sum()),
        shielded=len(frame) - len(open_cases),
        hardest=_hardest(coarse, under),
    )


def coarsen_offices(frame: pl.DataFrame) -> pl.DataFrame:
    """Replaces offices by three bands of about as many offices each, by their number of cases.

    With fewer than two offices a band, all offices become one.
    """
    if "office_ref" not in frame.columns:
        return frame
    office = pl.col("office_ref").cast(pl.String)
    counts = (
        frame.select(office).drop_nulls().group_by("office_ref").len().sort("len", "office_ref")
    )
    if len(counts) < _OFFICES_OF_A_BAND * len(BANDS):
        return frame.with_columns(
            pl.when(office.is_not_null()).then(pl.lit(ANY_BAND)).alias("office_ref")
        )

    band = {
        name: BANDS[place * len(BANDS) // len(counts)]
        for place, name in enumerate(counts["office_ref"])
    }
    return frame.with_columns(office.replace_strict(band, default=None, return_dtype=pl.String))


def _weeks(frame: pl.DataFrame) -> pl.DataFrame:
    if "decided_on" not in frame.columns:
        return frame
    day = pl.col("decided_on")
    read = (
        day.str.to_date("%Y-%m-%d") if frame["decided_on"].dtype == pl.String else day.cast(pl.Date)
    )
    return frame.with_columns(read.dt.truncate("1w"))


def _hardest(frame: pl.DataFrame, under: pl.Series) -> tuple[str, str, float] | None:
    if not under.any():
        return None
    found = []
    for name in QUASI_IDENTIFIERS:
        if name in frame.columns:
            values = frame.select(
                pl.col(name).cast(pl.String).fill_null("unknown").alias("value"), under
            )
            shares = values.group_by("value").agg(pl.col("under").mean(), pl.len())
            found += [
                (float(share), int(count), name, str(value))
                for value, share, count in shares.rows()
            ]
    # Of equal shares, that of more cases.
    share, _, name, value = max(found)
    return name, value, share
