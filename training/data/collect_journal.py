"""What `collect` reads of the journal: what is told of cases, and the cases taken as columns.

Of a country's year both are more than memory holds, so they wait in files without names: what is
told by case, until all of a case is there; the cases taken by day, as they are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import numpy as np
import polars as pl
from numpy.typing import NDArray

from router.cases.features import CASE_REF, FEATURES, OFFICE_REF
from router.decision.decision import NO_MIX
from router.files.shelf import Names, Packed, Shelf
from router.journal.export_columns import by_slot, names_of, schema
from router.journal.recommendation import CodedField, Reading, Unpacked, recommendations
from router.journal.record import JournalBroken
from router.journal.standing import NOTHING, Standing, end_of_chain, read_standing
from router.journal.store import JournalReader
from training.data.collect_taken import DAY, NO_TIME, TOLD, Advised, Treatment, told

# Cases are looked at a part of them at a time: which decision counts is a question within each.
_PARTS = 256
# Places of one day that are sorted at a time: a day may hold all cases of a journal.
_BLOCK = 65_536
_AT_ONCE = 16_384
_ROW = np.dtype(
    [
        *TOLD.descr,
        ("office", "<u4"),
        ("fields", "<u2"),
        ("propensity", "<f8"),
        ("slots", "<u2", (len(FEATURES.names),)),
    ]
)


class _Fields:
    """How a context tells the fields of a case, as far as there are such fields today.

    Attributes:
        coded: by name.
    """

    def __init__(self, reading: Reading) -> None:
        found = [(at, one) for at, one in enumerate(reading.features) if one.name in FEATURES.names]
        self.coded: dict[str, CodedField] = {one.name: one for _, one in found}
        self._theirs = [at for at, _ in found]
        self._ours = [FEATURES.column(one.name) for _, one in found]
        self._most = np.array(
            [2**16 - 1 if one.values is None else len(one.values) for _, one in found], np.int64
        )

    def slots(self, rows: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Gives slots by today's columns, shape (n, features); 0 where the context has no field.

        Raises:
            ValueError: if a slot is none of the values of an enum.
        """
        given = rows[:, self._theirs]
        if (beyond := np.argwhere(given > self._most)).size:
            row, column = beyond[0]
            name = list(self.coded)[column]
            raise ValueError(f"{name}: slot {given[row, column]} is above {self._most[column]}")
        found = np.zeros((len(rows), len(FEATURES.names)), np.uint16)
        found[:, self._ours] = given
        return found


class Candidates:
    """What is told of every recommendation of a journal that may become a logged case.

    Erased ones are left out.

    Attributes:
        count: recommendations read.
        left_out: those that can be no case, by reason.
        offices: numbers of the offices in rows; "" for none.
        mixes: likewise of the mixes.
    """

    def __init__(self, files: ExitStack, treatment: Treatment) -> None:
        """Begins with none.

        Args:
            files: which lets go of what it keeps.
            treatment: which mix is logged.

        Raises:
            OSError: if no file can be made.
        """
        self.count = 0
        self.left_out = Counter[str]()
        self.offices, self.mixes = Names(), Names()
        self._treatment = treatment
        self._rows = files.enter_context(Shelf(_ROW))
        # By the fields that they have: offices have contexts of their own, and nearly all tell the
        # same ones.
        self._readings: dict[tuple[CodedField, ...], Reading] = {}
        self._fields: list[_Fields] = []
        self._number: dict[bytes, int] = {}

    def read(self, store: JournalReader) -> None:
        """Reads a journal.

        Raises:
            JournalBroken: if a record cannot be read.
            JournalUnavailable: if the journal cannot be read now.
            OSError: if there is no room for what waits.
        """
        # What is answered while this reads is left out.
        last = end_of_chain(store)
        for every in recommendations(store):
            chunk = every.held()
            standing = read_standing(store, [one.id for one in chunk.records], last=last)
            for part in chunk.by_context():
                self._take(part, standing)
            self.count += len(chunk)

    def parts(self) -> Iterator[Packed]:
        """Yields rows of `TOLD` and what their cases are, all rows of some cases at a time."""
        for part in range(_PARTS):
            yield self._rows.of(part)

    def columns(self) -> dict[str, bool]:
        """Names the fields that any of the journal's contexts has, and whether they are text."""
        types = schema(self._readings.values(), lists=False)
        return {
            name: str(types.field(name).type) == "string"
            for name in FEATURES.names
            if name in types.names
        }

    def fields(self, number: int) -> Mapping[str, CodedField]:
        """Gives the fields by name of rows with this number in `fields`."""
        return self._fields[number].coded

    def _take(self, part: Unpacked, standing: Mapping[bytes, Standing]) -> None:
        number = self._number_of(part)
        kept: list[int] = []
        rows: list[tuple[object, ...]] = []
        logged: list[str] = []
        mixes = part.rows["mix"].tolist()
        for at, (place, record, tail) in enumerate(
            zip(part.places.tolist(), part.records, part.tails, strict=True)
        ):
            # Who people alone handle is nobody's case here.
            case_ref = "" if mixes[at] == NO_MIX else tail.case_ref
            one = Advised(case_ref, tail.disclosure, record.written_at)
            found = told(self._treatment, one, standing.get(record.id, NOTHING))
            if isinstance(found, str):
                self.left_out[found] += 1
                continue
            kept.append(at)
            # Without a mix of its own, what is logged is the mix recommended.
            logged.append(found.mix or part.reading.mix_ids[mixes[at]])
            rows.append((self.count + place, case_ref.encode(), 0, *found[1:]))
        if kept:
            values = np.array(rows, TOLD)
            values["mix"] = self.mixes.number(np.array(logged, object))
            self._keep(part, number, kept, values)

    def _keep(self, part: Unpacked, number: int, kept: list[int], values: Packed) -> None:
        """Puts away what is told of some records of a context, by case.

        Raises:
            JournalBroken: if a slot or a safeguard of one is nothing that the context names.
        """
        of_kept = part.rows[kept]
        rows = np.zeros(len(kept), _ROW)
        for name in TOLD.names or ():
            rows[name] = values[name]
        rows["office"] = self.offices.number(
            np.array([part.tails[at].office_ref for at in kept], object)
        )
        rows["fields"], rows["propensity"] = number, of_kept["propensity"]
        try:
            rows["slots"] = self._fields[number].slots(of_kept["row"])
            for mask in np.unique(of_kept["safeguards"]).tolist():
                names_of(mask, part.reading.safeguards)
        except ValueError as error:
            first, last = part.records[kept[0]].seq, part.records[kept[-1]].seq
            raise JournalBroken(f"records {first} to {last}: {error}") from error
        # Known to this process alone, so that nobody can choose references of one part.
        parts = [hash(ref) % _PARTS for ref in values["case"].tolist()]
        self._rows.add(np.array(parts, np.int64), rows)

    def _number_of(self, part: Unpacked) -> int:
        digest = part.records[0].context.digest
        if digest not in self._number:
            fields = part.reading.features
            if fields not in self._readings:
                self._readings[fields] = part.reading
                self._fields.append(_Fields(part.reading))
            self._number[digest] = list(self._readings).index(fields)
        return self._number[digest]


class Cases:
    """Logged cases as frames, in the order of their days and then of the chain.

    They are read anew each time they are gone through, some at a time.

    Attributes:
        drawn: those whose mix was one of several that might have been recommended.
    """

    def __init__(self, files: ExitStack, candidates: Candidates, treatment: Treatment) -> None:
        """Begins with none.

        Args:
            files: which lets go of what it keeps.
            candidates: of which they are taken; the whole journal was read.
            treatment: which mix is logged.

        Raises:
            OSError: if no file can be made.
        """
        self.drawn = 0
        self._rows = files.enter_context(Shelf(_ROW))
        self._candidates = candidates
        self._columns = candidates.columns()
        offices = candidates.offices.numbers
        self._offices = pl.Series([name or None for name in offices], dtype=pl.String)
        self._mixes = pl.Series(list(candidates.mixes.numbers), dtype=pl.String)
        # The chance of the advice says nothing about what people then choose.
        self._with_propensity = treatment is Treatment.RECOMMENDED
        self._without_office = offices.get("", -1)
        self._with_office = False

    def __len__(self) -> int:
        """Counts them."""
        return len(self._rows)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Yields them with their columns; those that say nothing are not there."""
        waiting: list[Packed] = []
        for key in self._rows.keys:
            rows = self._rows.of(key)
            waiting.append(rows[np.argsort(rows["place"])])
            if sum(map(len, waiting)) >= _AT_ONCE:
                yield self._frame(np.concatenate(waiting))
                waiting = []
        if waiting:
            yield self._frame(np.concatenate(waiting))

    def add(self, rows: Packed) -> None:
        """Takes cases.

        Args:
            rows: some of what `Candidates.parts` gave.

        Raises:
            OSError: if there is no room for them.
        """
        self.drawn += int((rows["propensity"] < 1).sum())
        self._with_office |= bool((rows["office"] != self._without_office).any())
        self._rows.add((rows["at"] // DAY << 32) + rows["place"] // _BLOCK, rows)

    def _frame(self, rows: Packed) -> pl.DataFrame:
        columns = {
            CASE_REF: pl.Series([ref.decode() for ref in rows["case"].tolist()], dtype=pl.String)
        }
        if self._with_office:
            columns[OFFICE_REF] = self._offices.gather(rows["office"])
        columns["mix"] = self._mixes.gather(rows["mix"])
        if self._with_propensity:
            columns["propensity"] = _known(rows["propensity"])
        columns |= self._fields(rows).to_dict()
        minutes = rows["minutes"]
        columns["outcome"] = _known(rows["outcome"])
        columns["adviser_minutes"] = _known(np.where(minutes == NO_TIME, np.nan, minutes))
        columns["decided_on"] = pl.Series((rows["at"] // DAY).astype(np.int32)).cast(pl.Date)
        return pl.DataFrame(columns)

    def _fields(self, rows: Packed) -> pl.DataFrame:
        """Gives the fields of cases by name, each set of fields that contexts have by itself."""
        places, frames = [], []
        for number in np.unique(rows["fields"]).tolist():
            of_one = np.flatnonzero(rows["fields"] == number)
            places.append(of_one)
            frames.append(self._told_alike(rows["slots"][of_one], number))
        if len(frames) == 1:
            return frames[0]
        return pl.concat(frames)[np.argsort(np.concatenate(places))]

    def _told_alike(self, slots: NDArray[np.uint16], number: int) -> pl.DataFrame:
        coded = self._candidates.fields(number)
        found = {}
        for name, is_text in self._columns.items():
            kind = pl.String if is_text else pl.Int64
            given = slots[:, FEATURES.column(name)]
            if name in coded:
                # What each slot stands for, once: they are few beside the cases.
                every = np.arange(int(given.max()) + 1, dtype=np.uint16)
                values = by_slot(every, coded[name], as_text=is_text)
                found[name] = pl.Series(values.tolist(), dtype=kind).gather(given)
            else:
                found[name] = pl.Series([None] * len(given), dtype=kind)
        return pl.DataFrame(found)


def _known(numbers: NDArray[np.float64]) -> pl.Series:
    """Gives numbers, null where there is none."""
    return pl.Series(np.ascontiguousarray(numbers), nan_to_null=True)
