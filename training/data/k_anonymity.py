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

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
# So many frames are added up at once: more would be more memory, fewer more time.
_SUMMED_AT = 16


class NotAnonymous(Mendable, ValueError):
    """Nothing can be exported; the message says why."""


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


def groups_of(
    cases: Iterable[pl.DataFrame], quasi_identifiers: Sequence[str] = QUASI_IDENTIFIERS
) -> pl.DataFrame:
    """Counts how many cases share their quasi-identifiers.

    There are as many rows as combinations occur, however many cases there are.

    Args:
        cases: some at a time, of the same columns.
        quasi_identifiers: of these those that are columns; one that is absent is the same for all.

    Returns:
        A row for each combination that occurs, in no order: its values, and `cases`. A missing
        value is a value like any other.
    """
    found: list[pl.DataFrame] = []
    for frame in cases:
        fields = [name for name in quasi_identifiers if name in frame.columns]
        each = frame.with_columns(pl.lit(1, pl.Int64).alias("cases")).select(*fields, "cases")
        # Numbers for texts: with hundreds of offices nearly every case is a combination of its own.
        found.append(_summed(each.with_columns(pl.col(pl.String).cast(pl.Categorical))))
        if len(found) == _SUMMED_AT:
            found = [_summed(pl.concat(found))]
    if not found:
        return pl.DataFrame(schema={"cases": pl.Int64})
    return _summed(pl.concat(found)).with_columns(pl.col(pl.Categorical).cast(pl.String))


def _summed(groups: pl.DataFrame) -> pl.DataFrame:
    fields = [name for name in groups.columns if name != "cases"]
    total = pl.col("cases").sum()
    # Without quasi-identifiers all cases are alike.
    return groups.group_by(fields).agg(total) if fields else groups.select(total)


def export_cases(
    cases: Iterable[pl.DataFrame], out: Path, k: int = K, marks: Mapping[str, str] | None = None
) -> Exported:
    """Writes logged cases k-anonymously.

    Offices become bands and days Mondays; rows in groups under k are left out.

    Args:
        cases: some at a time, columns as `read_cases` takes them. They are gone through twice, for
            a case can be shown only once all that share its quasi-identifiers are counted.
        out: ends with .parquet or .csv; written aside and renamed.
        k: fewest cases of a group, from 2.
        marks: metadata of a Parquet file, such as whether the cases are synthetic.

    Raises:
        NotAnonymous: if no case is left.
        OutRefused: if it cannot be written there.
        ValueError: if k is below 2.
    """
    check_out(out)
    if k < 2:
        raise ValueError(f"k: {k} is below 2")
    rows = 0

    def counted() -> Iterator[pl.DataFrame]:
        nonlocal rows
        for frame in cases:
            rows += len(frame)
            yield _open(frame)

    by_office = groups_of(counted())
    bands = office_bands(by_office)
    groups = _summed(_in_bands(by_office, bands))
    rare = groups.filter(pl.col("cases") < k)
    total, suppressed = (int(some["cases"].sum()) for some in (groups, rare))
    if suppressed == total:
        raise NotAnonymous(
            f"{out}: not written; of {total} cases none is in a group of at least {k}"
        )

    left = (_shown(_in_bands(_weeks(_open(frame)), bands), rare) for frame in cases)
    write_cases(left, total - suppressed, out, marks or {})
    return Exported(
        rows=total - suppressed,
        suppressed=suppressed,
        shielded=rows - total,
        hardest=_hardest(groups, k) if suppressed else None,
    )


def _open(frame: pl.DataFrame) -> pl.DataFrame:
    # Who does not say whether they are shielded counts as shielded.
    return frame.filter((pl.col("shielded") == "NO").fill_null(False))


def _shown(frame: pl.DataFrame, rare: pl.DataFrame) -> pl.DataFrame:
    """Leaves out the cases of rare groups; the others stay in order."""
    if not len(rare):
        return frame
    fields = [name for name in rare.columns if name != "cases"]
    return frame.join(rare, on=fields, how="anti", nulls_equal=True, maintain_order="left")


def office_bands(groups: pl.DataFrame) -> dict[str, str]:
    """Tells the band of each office: three of about as many offices each, by their number of cases.

    With fewer than two offices a band, all offices become one.

    Args:
        groups: as `groups_of` gives them.
    """
    if "office_ref" not in groups.columns:
        return {}
    counts = groups.drop_nulls("office_ref").group_by(pl.col("office_ref").cast(pl.String))
    offices = counts.agg(pl.col("cases").sum()).sort("cases", "office_ref")["office_ref"].to_list()
    if len(offices) < _OFFICES_OF_A_BAND * len(BANDS):
        return dict.fromkeys(offices, ANY_BAND)
    return {name: BANDS[place * len(BANDS) // len(offices)] for place, name in enumerate(offices)}


def _in_bands(frame: pl.DataFrame, bands: Mapping[str, str]) -> pl.DataFrame:
    """Replaces offices by their bands."""
    if "office_ref" not in frame.columns:
        return frame
    office = pl.col("office_ref").cast(pl.String)
    return frame.with_columns(office.replace_strict(bands, default=None, return_dtype=pl.String))


def _weeks(frame: pl.DataFrame) -> pl.DataFrame:
    if "decided_on" not in frame.columns:
        return frame
    day = pl.col("decided_on")
    read = (
        day.str.to_date("%Y-%m-%d") if frame["decided_on"].dtype == pl.String else day.cast(pl.Date)
    )
    return frame.with_columns(read.dt.truncate("1w"))


def _hardest(groups: pl.DataFrame, k: int) -> tuple[str, str, float] | None:
    found = []
    size = pl.col("cases")
    for name in groups.columns:
        if name != "cases":
            values = pl.col(name).cast(pl.String).fill_null("unknown").alias("value")
            by_value = groups.group_by(values).agg(
                size.sum(), size.filter(size < k).sum().alias("under")
            )
            found += [
                (under / count, int(count), name, str(value))
                for value, count, under in by_value.rows()
            ]
    # Of equal shares, that of more cases.
    share, _, name, value = max(found)
    return name, value, share
