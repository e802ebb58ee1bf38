"""Logged cases: what they are, and how they are read from files; all problems are told at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from router.cases.assumed import NO_CASE, Assumed
from router.cases.cells import Bools, Cells, Days, Floats
from router.cases.features import (
    CASE_REF,
    FEATURES,
    LOGGED,
    OFFICE_REF,
    REFERENCES,
    are_shielded,
)
from router.cases.mapping import AS_IS, FileMapping
from router.cases.problems import CasesRefused, Problems, shown
from router.cases.sources import Source, find_sources
from router.cases.tables import Table, open_tables
from router.decision.catalogue import Catalogue
from router.decision.schema import Rows
from router.journal.feedback import MINUTES_AT_MOST
from training.data.audit import UNKNOWN, read_audit
from training.data.case_files import (
    BATCH,
    CASES_KEY,
    SEED_KEY,
    SYNTHETIC_KEY,
    WORLD_KEY,
    Texts,
    digest,
    marks,
)

# Forty a fold. Fewer say next to nothing of a mix, yet its value would be served.
CASES_OF_A_MIX = 200
HORIZON_AT_MOST = 3650
_CASES_OF_A_PERSON = 10
_SHARE = "0 to 1"
LEAST_CHANCE = 1e-6
"""A case of a smaller propensity would outweigh a million others."""
_CHANCE = "0.000001 to 1, the probability of the logged mix"
_MINUTES = f"0 to {MINUTES_AT_MOST} minutes"
NEEDED = (CASE_REF, "shielded", "mix", "outcome")
"""Columns that no file may lack."""
_SHOWN = 5
# Days that so few cases have, so long after all others, are mistyped rather than decided on.
_FEW_DAYS, _FAR_DAYS = 0.01, 31
# Where a case stands: the number of its file, and of its row in the file, from 1.
_FILE, _ROW = "file", "row"
# Before the name of a column that clusters, which may be called as one of ours.
_CLUSTER = "cluster "


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCases:
    """Logged cases as arrays of one length n, shielded ones left out.

    Attributes:
        rows: (n, features) slots.
        mix: (n,) number of the logged mix.
        outcome: (n,) 0 to 1.
        propensity: (n,) probability of the logged mix, or None if it was not logged.
        minutes: (n,) adviser minutes really spent, NaN where unknown, or None if they were not
            logged.
        days: (n,) day of the decision, or None if it was not logged.
        offices: (n,) pseudonym of the office, "unknown" where missing, or None if it was not
            logged.
        case_refs: (n,) references, each once.
        audit: by column of the audit file, (n,) categories, "unknown" where it does not say. Never
            an input of a model.
        audit_unknown: rows of the audit file whose case is not among the n.
        too_recent: cases left out because their outcome window had not ended.
        shielded: cases left out because they are shielded or do not say.
        synthetic: whether the files say that they are; None if they do not say.
        simulation: what a simulated file says of how it was drawn (`seed`, `world`, `cases`); of
            several files their seeds alone.
        sha256: of every file by its name, the audit file's too.
        clusters: by column that clusters the cases, (n,) what each belongs to, such as its person;
            a case that does not say stands alone. Never an input of a model.
    """

    rows: Rows
    mix: NDArray[np.int64]
    outcome: Floats
    propensity: Floats | None
    minutes: Floats | None
    days: Days | None
    offices: Texts | None
    case_refs: Texts
    audit: dict[str, Texts]
    audit_unknown: int
    too_recent: int
    shielded: int
    synthetic: bool | None
    simulation: dict[str, str]
    sha256: dict[str, str]
    clusters: dict[str, Texts] = field(default_factory=dict)

    @property
    def dates(self) -> tuple[date, date] | None:
        """First and last day of decision, or None."""
        if self.days is None or not len(self.days):
            return None
        return self.days.min().item(), self.days.max().item()

    def office_numbers(self) -> NDArray[np.int64] | None:
        """Numbers the offices in the order of their names, shape (n,); None if not logged."""
        if self.offices is None:
            return None
        return np.unique(self.offices, return_inverse=True)[1].astype(np.int64)

    def cluster_numbers(self) -> NDArray[np.int64] | None:
        """Numbers what the cases belong to by each column, shape (n, columns).

        By `clusters`, else by office; None if nothing of the kind is known.
        """
        known = self.clusters or ({} if self.offices is None else {OFFICE_REF: self.offices})
        if not known:
            return None
        numbers = [np.unique(texts, return_inverse=True)[1] for texts in known.values()]
        return np.column_stack(numbers).astype(np.int64)

    def person_numbers(self) -> NDArray[np.int64] | None:
        """Numbers whose cases must stay together in a split, shape (n,); None if nothing says.

        By the first column of `clusters` that is not the office and has fewer than 10 cases of one
        value in the mean: persons, not regions.
        """
        for name, texts in self.clusters.items():
            numbers = np.unique(texts, return_inverse=True)[1].astype(np.int64)
            if name != OFFICE_REF and len(numbers) < _CASES_OF_A_PERSON * (numbers.max() + 1):
                return numbers
        return None

    def take(self, index: NDArray[np.bool_] | NDArray[np.integer]) -> LoggedCases:
        """Takes some of the cases; the counts of what was left out stay.

        Args:
            index: a mask of shape (n,), or numbers.
        """
        return replace(
            self,
            rows=self.rows[index],
            mix=self.mix[index],
            outcome=self.outcome[index],
            propensity=None if self.propensity is None else self.propensity[index],
            minutes=None if self.minutes is None else self.minutes[index],
            days=None if self.days is None else self.days[index],
            offices=None if self.offices is None else self.offices[index],
            case_refs=self.case_refs[index],
            audit={name: values[index] for name, values in self.audit.items()},
            clusters={name: values[index] for name, values in self.clusters.items()},
        )


def read_cases(
    paths: Sequence[Path],
    catalogue: Catalogue,
    audit: Path | None = None,
    horizon_days: int | None = None,
    end: date | None = None,
    clusters: Sequence[str] = (),
    *,
    mapping: FileMapping = AS_IS,
    assumed: Assumed | None = None,
    least_of_a_mix: int = CASES_OF_A_MIX,
) -> LoggedCases:
    """Reads and validates logged cases.

    Args:
        paths: files, folders and patterns of files, Parquet or CSV.
        catalogue: of the mixes that may be logged.
        audit: file of `case_ref` and categories for the evaluation by group.
        horizon_days: length of the outcome window; cases decided less than this before `end` are
            left out, because an outcome that may still happen would count as a failure.
        end: last day that outcomes were recorded for; the newest decision if not given. Cases
            decided later are left out.
        clusters: columns that say what a case belongs to: `office_ref`, or one of the files' own,
            such as a pseudonym of the person.
        mapping: what columns and codes are called in the files.
        assumed: what was assumed of the files is added here.
        least_of_a_mix: fewest cases of each mix.

    Raises:
        CasesRefused: listing every problem with file, column, row numbers (from 1) and bound.
    """
    assumed = Assumed() if assumed is None else assumed
    given = find_sources([*paths, *([audit] if audit else [])], assumed)
    sources = given[: len(find_sources(paths))]
    if horizon_days is not None and not 1 <= horizon_days <= HORIZON_AT_MOST:
        raise CasesRefused(f"horizon: {horizon_days} is outside 1 to {HORIZON_AT_MOST} days")

    for name in clusters:
        if name in {*FEATURES.names, *LOGGED, CASE_REF}:
            said = f"{name} is a column of its own meaning; give {OFFICE_REF} or one of your own"
            raise CasesRefused(f"cluster: {said}, such as a pseudonym of the person")

    # Nothing is refused before all is read: whoever mends the files sees every problem at once.
    problems = Problems()
    tables = open_tables(sources, mapping, problems, assumed, own=clusters)
    paths = [source.path for source in sources]
    synthetic, simulation = _marks(sources, problems)
    rows, logged, shielded = _read(tables, catalogue, clusters, problems, assumed)
    _refuse_twice(logged, paths, problems)
    _refuse_mixtures(logged, paths, problems)

    mix = logged["mix"].to_numpy()
    days = _where_all_known(logged, "decided_on")
    complete = _complete(logged, horizon_days, end, paths, problems)
    _count_mixes(mix[complete], paths, catalogue, least_of_a_mix, problems)
    case_refs = _texts(logged[CASE_REF])
    categories: dict[str, Texts] = {}
    audit_unknown = 0
    if audit:
        categories, audit_unknown = read_audit(
            given[len(sources) :], case_refs, problems, mapping, assumed
        )
    problems.refuse()

    known = logged.columns
    cases = LoggedCases(
        rows=rows,
        mix=mix,
        outcome=logged["outcome"].to_numpy(),
        propensity=_where_all_known(logged, "propensity"),
        minutes=logged["adviser_minutes"].to_numpy() if "adviser_minutes" in known else None,
        days=days,
        offices=_texts(logged[OFFICE_REF].fill_null(UNKNOWN)) if OFFICE_REF in known else None,
        case_refs=case_refs,
        audit=categories,
        audit_unknown=audit_unknown,
        too_recent=int((~complete).sum()),
        shielded=shielded,
        synthetic=synthetic,
        simulation=simulation,
        sha256={source.name: digest(source.path) for source in given},
        clusters={name: _cluster(logged, name) for name in clusters},
    )
    # Taking copies every array; without recent cases there is nothing to copy for.
    return cases.take(complete) if cases.too_recent else cases


def _marks(sources: Sequence[Source], problems: Problems) -> tuple[bool | None, dict[str, str]]:
    said: dict[str, bool | None] = {}
    drawn: list[dict[str, str]] = []
    for source in sources:
        path, mark = source.path, marks(source)
        value = mark.get(SYNTHETIC_KEY)
        if value not in (None, "true", "false"):
            problems.add(
                f"{path}: mark {SYNTHETIC_KEY}", f"is {shown(value)}; permitted is true or false"
            )
        said[source.name] = None if value is None else value == "true"
        drawn.append({key: mark[key] for key in (SEED_KEY, WORLD_KEY, CASES_KEY) if key in mark})
    if len(set(said.values())) > 1:
        words = {True: "is", False: "is not", None: "does not say"}
        each = ", ".join(f"{name}: {words[value]}" for name, value in said.items())
        problems.add(
            "cases", f"files disagree about being synthetic ({each}); give files of one kind"
        )
    if len(drawn) > 1:
        seeds = dict.fromkeys(one[SEED_KEY] for one in drawn if SEED_KEY in one)
        drawn = [{SEED_KEY: ",".join(seeds)} if seeds else {}]
    return next(iter(said.values())), drawn[0]


def _read(
    tables: Sequence[Table],
    catalogue: Catalogue,
    clusters: Sequence[str],
    problems: Problems,
    assumed: Assumed,
) -> tuple[Rows, pl.DataFrame, int]:
    """Reads all files, in order.

    Returns:
        Of the n cases that are not shielded: their slots, shape (n, features); what else is logged
        of them and where they stand, a column that no file has left out; and how many are shielded.
    """
    rows, logged, shielded = [], [], 0
    empty: list[Table] = []
    for file, table in enumerate(tables):
        cases = 0
        for columns in _parts(table, clusters, problems, assumed):
            slots = _rows(columns)
            cases += len(slots)
            kept = ~are_shielded(slots)
            rows.append(slots[kept])
            found = _logged(columns, catalogue, clusters, kept)
            logged.append(found.with_columns(pl.lit(file).alias(_FILE)))
            shielded += int((~kept).sum())
        if not cases:
            empty.append(table)
    for table in empty:
        if len(empty) < len(tables):
            assumed.add(NO_CASE, file=str(table.path))
        else:
            problems.add(f"{table.path}", "has no cases")
    return np.concatenate(rows), pl.concat(logged, how="diagonal"), shielded


def _parts(
    table: Table, clusters: Sequence[str], problems: Problems, assumed: Assumed
) -> Iterator[Cells]:
    """Reads one file, a batch at a time; at least one, so that every column has its type."""
    for name in (*NEEDED, *clusters):
        if name not in table.columns:
            # Whether anybody is shielded is never taken for granted.
            told = '; if no case is, say so in --map: shielded = "NO", under constants'
            way_out = told if name == "shielded" else ""
            problems.add(f"{table.path}: column {name}", f"is missing{way_out}")

    first_row = 0
    for batch in table.batches(BATCH):
        yield table.cells(batch, first_row, problems, assumed)
        first_row += len(batch)
    if not first_row:
        nothing = pa.RecordBatch.from_pydict({name: pa.nulls(0) for name in table.columns})
        yield table.cells(nothing, 0, problems, assumed)


def _rows(columns: Cells) -> Rows:
    rows = np.zeros((len(columns), len(FEATURES.features)), np.uint16)
    for column, feature in enumerate(FEATURES.features):
        slots = columns.slots(feature)
        if slots is not None:
            rows[:, column] = slots
    return rows


def _logged(
    columns: Cells, catalogue: Catalogue, clusters: Sequence[str], kept: Bools
) -> pl.DataFrame:
    """Reads what is logged beside the features of the rows that are kept, unknown as null."""
    refs, offices = _reference(columns, CASE_REF), _reference(columns, OFFICE_REF)
    if refs is not None:
        missing = refs.is_null().to_numpy() & kept
        columns.refuse(CASE_REF, missing, f"a text of {REFERENCES[CASE_REF].bound}", pa.array(refs))
    mix = columns.codes("mix", catalogue.ids, kept)
    outcome = columns.numbers("outcome", 0, 1, _SHARE, kept, needed=True, truth=True)
    propensity = columns.numbers("propensity", LEAST_CHANCE, 1, _CHANCE, kept)
    minutes = columns.numbers("adviser_minutes", 0, MINUTES_AT_MOST, _MINUTES, kept)
    days = columns.days("decided_on", kept)

    count = len(kept)
    found = {
        _ROW: columns.first_row + 1 + np.arange(count),
        CASE_REF: np.full(count, "") if refs is None else refs.fill_null(""),
        "mix": np.full(count, -1) if mix is None else mix,
        "outcome": np.zeros(count) if outcome is None else outcome,
        "propensity": propensity,
        "adviser_minutes": minutes,
        "decided_on": days,
        OFFICE_REF: offices,
    }
    rule = REFERENCES[OFFICE_REF]
    own = [name for name in clusters if name != OFFICE_REF]
    for name in own:
        texts = columns.short_texts(name, rule)
        found[f"{_CLUSTER}{name}"] = None if texts is None else pl.Series(texts, dtype=pl.String)

    # Dropped last: row numbers are those of the file until then.
    given = {name: values for name, values in found.items() if values is not None}
    return pl.DataFrame(given, nan_to_null=True).filter(pl.Series(kept))


def _reference(columns: Cells, name: str) -> pl.Series | None:
    """Reads references; those of shielded cases are looked at too."""
    found = columns.short_texts(name, REFERENCES[name])
    return None if found is None else pl.Series(found, dtype=pl.String)


def _refuse_twice(logged: pl.DataFrame, paths: Sequence[Path], problems: Problems) -> None:
    refs = pl.col(CASE_REF)
    # Cases without a reference are a problem already, and not the same case.
    twice = logged.filter(refs.is_duplicated() & (refs != ""))
    places: dict[str, list[str]] = {}
    for ref, file, row in twice.select(CASE_REF, _FILE, _ROW).iter_rows():
        places.setdefault(ref, []).append(f"{paths[file]} row {row}")

    where = f"column {CASE_REF}"
    for ref, rows in list(places.items())[:_SHOWN]:
        problems.add(where, f"{shown(ref)} is there more than once: {', '.join(rows[:_SHOWN])}")
    if len(places) > _SHOWN:
        problems.add(where, f"{len(places) - _SHOWN} more cases are there more than once")


def _refuse_mixtures(logged: pl.DataFrame, paths: Sequence[Path], problems: Problems) -> None:
    """Refuses propensities and days that are known for some cases and not for others.

    A mixture would weigh or leave out cases by whether they were recorded. Minutes and offices may
    be unknown for some.
    """
    bound = "are unknown while others are known; permitted is all or none"
    for name in ("propensity", "decided_on"):
        if _where_all_known(logged, name) is None:
            continue
        unknown = logged.filter(pl.col(name).is_null())
        for file, path in enumerate(paths):
            rows = unknown.filter(pl.col(_FILE) == file)[_ROW].to_numpy()
            # `cells` numbers a mask's rows from the first of the file.
            bad = np.zeros(rows.max(initial=0), np.bool_)
            bad[rows - 1] = True
            problems.cells(f"{path}: column {name}", bad, 0, bound)


def _where_all_known(logged: pl.DataFrame, name: str) -> NDArray[Any] | None:
    """Gives a column that is known for all cases or for none."""
    if name not in logged.columns or logged[name].null_count() == len(logged):
        return None
    return logged[name].to_numpy()


def _cluster(logged: pl.DataFrame, name: str) -> Texts:
    if name == OFFICE_REF:
        return _texts(logged[OFFICE_REF].fill_null(UNKNOWN))
    # Nothing is known to belong to a case that does not say.
    alone = pl.lit("case ") + pl.col(CASE_REF)
    return _texts(logged.select(pl.col(f"{_CLUSTER}{name}").fill_null(alone)).to_series())


def _texts(values: pl.Series) -> Texts:
    return np.array(values.to_list(), np.str_)


def _complete(
    logged: pl.DataFrame,
    horizon_days: int | None,
    end: date | None,
    paths: Sequence[Path],
    problems: Problems,
) -> Bools:
    """Says which cases have a whole outcome window behind them, shape (n,)."""
    every = np.ones(len(logged), np.bool_)
    if (horizon_days is None and end is None) or not len(logged):
        return every
    days: Days | None = _where_all_known(logged, "decided_on")
    if days is None or np.isnat(days).any():
        window = f"{horizon_days} days of outcomes" if horizon_days else "an outcome by then"
        problems.add("column decided_on", f"is needed to leave out cases without {window}")
        return every

    if end is None:
        _refuse_far(logged, days, paths, problems)
    last = np.nanmax(days) if end is None else np.datetime64(end)
    complete: Bools = days <= last - np.timedelta64(horizon_days or 0, "D")
    return complete


def _refuse_far(
    logged: pl.DataFrame, days: Days, paths: Sequence[Path], problems: Problems
) -> None:
    """Refuses a few days that lie far after all others, where the newest ends the window.

    One mistyped year would keep every case whose outcome is not known yet.
    """
    rising = np.sort(days)
    # The newest few, and the one before them.
    newest = rising[-int(len(rising) * _FEW_DAYS) - 1 :]
    gaps = np.flatnonzero(np.diff(newest) > np.timedelta64(_FAR_DAYS, "D"))
    if not len(gaps):
        return
    before = newest[gaps[0]]
    far = logged.filter(pl.Series(days > before))
    fix = (
        f"more than {_FAR_DAYS} days after all others, which end on {before}; the newest day says "
        "what is too recent for --horizon: mend these days, or give the last day of outcomes as "
        "--as-of"
    )
    for file, path in enumerate(paths):
        rows = far.filter(pl.col(_FILE) == file).select(_ROW, "decided_on").rows()
        if rows:
            told = ", ".join(f"row {row}: {day}" for row, day in rows[:_SHOWN])
            more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
            problems.add(f"{path}: column decided_on", f"{told}{more}; {fix}")


def _count_mixes(
    mix: NDArray[np.int64],
    paths: Sequence[Path],
    catalogue: Catalogue,
    least: int,
    problems: Problems,
) -> None:
    """Refuses cases of which fewer than two mixes can be learned of."""
    read = mix[mix >= 0]
    # Where no mix could be read, that is the problem, and is told already.
    if not len(read):
        return
    counts = np.bincount(read, minlength=len(catalogue.ids))
    if (counts >= least).sum() >= 2:
        return
    names = ", ".join(str(path) for path in paths)
    for name, count in zip(catalogue.ids, counts.tolist(), strict=True):
        if count < least:
            problem = (
                f"{name} has {count} cases; at least {least} are needed to learn its value, and "
                "two mixes that have so many"
            )
            problems.add(f"{names}: column mix", problem)


def scored(
    cases: LoggedCases, catalogue: Catalogue
) -> tuple[LoggedCases, Catalogue, dict[str, int]]:
    """Takes the mixes that have enough cases to be learned of, and their cases.

    The others are served unscored until they have cases (`router.decision.unscored`).

    Returns:
        The cases, numbered in the catalogue of those mixes; that catalogue; and the cases of each
        mix that was left out.
    """
    counts = np.bincount(cases.mix, minlength=len(catalogue.ids))
    enough = counts >= CASES_OF_A_MIX
    few = {
        name: count
        for name, count, kept in zip(catalogue.ids, counts.tolist(), enough, strict=True)
        if not kept
    }
    if not few:
        return cases, catalogue, few
    kept = cases.take(enough[cases.mix])
    numbers = np.cumsum(enough) - 1
    mixes = tuple(mix for mix in catalogue.mixes if mix.id not in few)
    return replace(kept, mix=numbers[kept.mix]), replace(catalogue, mixes=mixes), few
