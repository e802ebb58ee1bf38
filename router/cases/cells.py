"""What the cells of columns say: whatever pandas, polars, spreadsheets and R write, if it is clear.

What is not quite as the contract has it but can mean one thing only is read, and noted; what can
mean two is a problem, told with column, rows, bound and the way out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from router.cases.assumed import Assumed
from router.cases.features import CASE_REF, FEATURES, OFFICE_REF, PREFIXES, slots_of
from router.cases.mapping import AS_IS, FileMapping
from router.cases.problems import Problems
from router.cases.references import TextRule
from router.decision.schema import UNKNOWN, Feature

Bools = NDArray[np.bool_]
Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]
Slots = tuple[NDArray[np.uint16], Bools]

EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
_DAYS = f"a date as YYYY-MM-DD, {EARLIEST} to {LATEST}"
NOT_KNOWN = frozenset(
    # Apart from each other by letters that nobody else would use for a value.
    {"", "NA", "N/A", "#N/A", "n/a", "NaN", "nan", "NAN", "-nan", "NULL", "Null", "null"}
    | {"None", "<NA>", "NaT", "."}
)
"""How pandas, polars, spreadsheets, R and SAS write that nothing is known."""
_YES_NO = {"YES", "NO"}
# As libraries write it, and spreadsheets in Norwegian and in neighbouring languages.
_TRUTH = {"TRUE": "YES", "FALSE": "NO", "SANN": "YES", "USANN": "NO"} | {
    **{"SAND": "YES", "FALSK": "NO", "SANT": "YES", "FALSKT": "NO"},
    **{"WAHR": "YES", "FALSCH": "NO"},
}
# What a number may look like in a file; beyond it there are dates, thousands and much else.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
# Thousands or decimals, where a comma may be the decimal sign.
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_SIGNED = re.compile(rf"{_NUMBER.pattern}|{_COMMA_NUMBER.pattern}")
# Blanks of any kind, apostrophes or points and commas between groups of three digits.
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:([\s'\u2019.,])\d{3}(?:\1\d{3})*)([.,]\d+)?")
_FAR = 2.0**53
_WHOLE_ALONE = "; whole numbers alone"
# What spreadsheets, pivots and `describe` write of several rows: alone, behind a group's name, or
# with what it is of behind it.
_WHOLE = (
    r"sum|delsum|totalsum|totals?|totalt|sub[ -]?totals?|grand[ _]?totals?|i alt|ialt|til ?sammen"
    r"|all|alle|gjennomsnitt|snitt|average|mean|median"
    # What spreadsheets in neighbouring languages write below a pivot table.
    r"|summa|totalsumma|hovedtotal|summe|insgesamt|gesamt(summe|ergebnis)?|mittelwert"
)
_OF_SEVERAL = (
    rf"(?i)^((.*\s)?({_WHOLE}|antall|count|std|standardavvik|min|max)[\s:.=]*|({_WHOLE})[\s:].*)$"
)
_NOTE = r"(?i)\s|:$|^(merknad(er)?|noter?|notes?|kilder?|sources?|kommentar(er)?|obs)\W*$"
_DATED = re.compile(
    r"(\d{4}-\d{2}-\d{2})([T ]+(\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?) ?"
    r"(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?"
)
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})( 0?0:00(:00)?)?")
_PLAIN_DAY = re.compile(r"(20\d{2})(\d{2})(\d{2})")
# The year first, so the month is second. 2024/9/1 is read too, as Gnumeric and Japan write it.
_SLASHED = re.compile(r"(20\d{2})/(\d{1,2})/(\d{1,2})( 0?0:00(:00)?)?")
# When it is midnight in Norway, by UTC.
_MIDNIGHTS = {"22:00", "23:00"}
_BY_UTC = "are moments by UTC, whose day depends on the time zone"
_ELSEWHERE = "are all at 22:00, 23:00 or 0:00, midnight in another zone"
_LOCAL = "write the local date, without a time"
_UTC = re.compile(
    r"(etc/)?(utc|uct|zulu|universal|greenwich|gmt[+-]?0?)|z|[+-]00(:?00)?", re.IGNORECASE
)
"""UTC by whatever name, but for regions that have no summer time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Some rows of a file, read column by column.

    A column that is absent, or whose type cannot hold its values, is None; the latter is a problem.
    So is a cell outside the bound, and what is read of it means nothing.

    Attributes:
        batch: n rows, columns by name, each once.
        first_row: rows of the file before these.
        problems: where what is wrong is added.
        assumed: where what was assumed is added.
        file: its name, for messages; "" if there is none.
        mapping: what the files' codes mean.
        comma: whether a comma can be in a number.
    """

    batch: pa.RecordBatch
    first_row: int
    problems: Problems
    assumed: Assumed
    file: str = ""
    mapping: FileMapping = AS_IS
    comma: bool = False

    def __len__(self) -> int:
        return len(self.batch)

    def slots(self, feature: Feature) -> NDArray[np.uint16] | None:
        """Reads the slots of a feature's values, shape (n,)."""
        given = self._given(feature.name)
        if given is None:
            return None
        if pa.types.is_dictionary(given.type) and len(given.dictionary) < len(given):
            found = self._slots_by_entry(given, feature)
        else:
            found = self._slots(self._as_plain(given, feature.name), feature)
        if found is None:
            return None
        slots, bad = found
        if bad.any():
            given = self._as_plain(given, feature.name)
            if feature.values:
                fix = f"; say in --map, under values.{feature.name}, what other codes mean"
                if "NONE" in feature.values:
                    fix += "; None in other letters may mean NONE or unknown: say which in --map"
                self.refuse(feature.name, bad, feature.bound + fix, given)
            else:
                self._refuse_numbers(feature.name, bad, feature.bound, given, whole=True)
            # A value that says nothing may not say that a case is not shielded.
            slots[bad] = 0
        return slots

    def _slots_by_entry(self, given: pa.DictionaryArray, feature: Feature) -> Slots | None:
        """Reads each entry of a dictionary once, as `_slots` reads values."""
        entries, indices = given.dictionary, given.indices
        # One more entry, for null, which is unknown.
        places = np.asarray(indices.fill_null(len(entries)) if indices.null_count else indices)
        places = places.astype(np.intp)
        there = np.zeros(len(entries) + 1, np.bool_)
        there[places] = True
        there[-1] = False
        # What no row has is not read: it may be of other cases, and be anything.
        read = entries.filter(pa.array(there[:-1]))
        found = self._slots(self._as_plain(read, feature.name), feature)
        if found is None:
            return None
        slots, bad = np.zeros(len(there), np.uint16), np.zeros(len(there), np.bool_)
        slots[there], bad[there] = found
        return slots.take(places), bad.take(places)

    def _slots(self, given: pa.Array, feature: Feature) -> Slots | None:
        """Gives the slots of values, and which are outside the bound; both have shape (n,)."""
        if pa.types.is_null(given.type):
            return np.zeros(len(given), np.uint16), np.zeros(len(given), np.bool_)
        values = _without_nan(given)
        if feature.values:
            found = self._places(values, feature)
        else:
            # Just below the bound, so that what cannot be read is refused as a bad value is.
            found = self._whole(values, feature, feature.lower - 1)
            if found is not None and feature.top_coded and (found[0] > feature.upper).any():
                top = feature.upper
                self._note(
                    f"numbers above {top} are read as {top} or more; if they are codes for "
                    'unknown, say so in --map, under values, as 999 = ""',
                    feature.name,
                )
        return None if found is None else slots_of(*found, feature)

    def numbers(
        self,
        name: str,
        lower: float,
        upper: float,
        bound: str,
        kept: Bools,
        *,
        needed: bool = False,
        truth: bool = False,
    ) -> Floats | None:
        """Reads numbers, shape (n,), unknown as NaN.

        Args:
            name: of the column.
            lower: lowest permitted.
            upper: highest permitted.
            bound: both in words.
            kept: the rows whose values must be within it, shape (n,).
            needed: whether they must be known.
            truth: whether true is 1 and false 0.
        """
        given = self._plain(name)
        if given is None:
            return None
        if pa.types.is_null(given.type):
            numbers, unread = np.full(len(given), np.nan), np.zeros(len(given), np.bool_)
        elif pa.types.is_boolean(given.type) and truth:
            self._note("true and false are read as 1 and 0", name)
            numbers, unread = _floats(given.cast(pa.int8())), np.zeros(len(given), np.bool_)
        elif _is_number(given.type):
            numbers, unread = _floats(given), np.zeros(len(given), np.bool_)
        elif _is_text(given.type):
            numbers, unread = self._numbers_of_texts(given, name, upper, truth=truth)
        else:
            self._wrong_type(name, given.type, bound)
            return None
        bad = unread | (numbers < lower) | (numbers > upper)
        if needed:
            bad |= np.isnan(numbers)
        self._refuse_numbers(name, bad & kept, bound, given, needed=needed)
        return numbers

    def _refuse_numbers(
        self,
        name: str,
        bad: Bools,
        bound: str,
        given: pa.Array,
        *,
        needed: bool = False,
        whole: bool = False,
    ) -> None:
        """Refuses cells of a column of numbers, each with the way out of what it looks like.

        Args:
            name: of the column.
            bad: which rows, shape (n,).
            bound: what is permitted.
            given: the cells, n of them.
            needed: whether they must be known.
            whole: whether they must be whole.
        """
        if not bad.any():
            return
        if not _is_text(given.type):
            # 12.5 is within the bound as it is told.
            broken = _are_broken(_floats(given)) if whole else np.zeros_like(bad)
            self.refuse(name, bad & broken, bound + _WHOLE_ALONE, given)
            self.refuse(name, bad & ~broken, bound, given)
            return
        places = np.flatnonzero(bad)
        apart = given.take(pa.array(places)).cast(pa.string()).dictionary_encode()
        fixes = [
            self._way_out(text, name, needed=needed, whole=whole)
            for text in apart.dictionary.to_pylist()
        ]
        # One more, for what is empty.
        each = np.array([*fixes, ""], object)[np.asarray(apart.indices.fill_null(len(fixes)))]
        for fix in dict.fromkeys(each.tolist()):
            some = np.zeros_like(bad)
            some[places[each == fix]] = True
            self.refuse(name, some, bound + fix, given)

    def _way_out(self, text: str, name: str, *, needed: bool, whole: bool) -> str:
        """Says what to do with a text that is no number within the bound; "" if that is clear."""
        plain = text.strip()
        together = _THOUSANDS.fullmatch(plain) is not None
        if _NUMBER.fullmatch(plain) or _COMMA_NUMBER.fullmatch(plain):
            either = self.comma and _EITHER.fullmatch(plain)
            number = None if either else self._number(plain, name, truth=False)
            if number is not None:
                return _WHOLE_ALONE if whole and _are_broken(np.array([number]))[0] else ""
            fix = "; say in --map, as csv.decimal, how decimals are written"
            return f"{fix}, and write thousands without a sign between them" if together else fix
        if together:
            return "; write numbers without a sign between thousands"
        if re.match(r"[+-]?\d", plain):
            return "; write the number alone"
        if needed:
            return f"; say in --map, under values.{name}, what its texts mean, or leave them out"
        return f'; say in --map, under values.{name}, which texts mean unknown, as "#NV" = ""'

    def days(self, name: str, kept: Bools) -> Days | None:
        """Reads days, shape (n,), unknown as NaT; those of the rows kept must be within bounds."""
        given = self._plain(name)
        if given is None:
            return None
        kind = given.type
        if pa.types.is_null(kind):
            return np.full(len(given), np.datetime64("NaT"), "datetime64[D]")
        if pa.types.is_date(kind):
            days = _as_days(given)
            unread = np.zeros(len(given), np.bool_)
        elif pa.types.is_timestamp(kind):
            days, unread = self._of_timestamps(given, name)
        elif _is_text(kind):
            days, unread = self._days_of_texts(given, name)
        elif pa.types.is_integer(kind):
            # 20241224 is read; a day counted from some day is not.
            days, unread = self._days_of_texts(given.cast(pa.string()), name)
        else:
            self._wrong_type(name, kind, _DAYS)
            return None
        bad = unread | (days < np.datetime64(EARLIEST)) | (days > np.datetime64(LATEST))
        other = "" if pa.types.is_temporal(kind) else "; say another form in --map, as date_format"
        self.refuse(name, bad & kept, _DAYS + other, given)
        days[bad] = np.datetime64("NaT")
        return days

    def codes(self, name: str, ids: tuple[str, ...], kept: Bools) -> NDArray[np.int64] | None:
        """Reads the number of each id, shape (n,); the rows kept must have one of them."""
        given = self._plain(name)
        if given is None:
            return None
        values = _without_nan(given)
        bound = "one of " + ", ".join(ids)
        if pa.types.is_null(values.type):
            found = np.full(len(values), -1)
        elif not _is_text(values.type):
            fix = "; say in --map, under values.mix, which code is which"
            self._wrong_type(name, values.type, bound + fix)
            return None
        else:
            places, _ = self._looked_up(values, name, ids, "")
            found = places - 1
        fix = f"; say in --map, under values.{name}, what other codes mean"
        self.refuse(name, (found < 0) & kept, bound + fix, given)
        return found.astype(np.int64)

    def known(self, name: str) -> Bools:
        """Says of which rows a column says something, shape (n,)."""
        given = self._plain(name)
        if given is None or pa.types.is_null(given.type):
            return np.zeros(len(self), np.bool_)
        values = _without_nan(given)
        if _is_text(values.type):
            unknown = pc.is_in(pc.utf8_trim_whitespace(values), _not_known_texts())
            values = pc.if_else(unknown, None, values)
        return np.asarray(values.is_valid())

    def short_texts(self, name: str, rule: TextRule) -> pa.Array | None:
        """Reads texts, those that say nothing as null; those that the rule refuses are problems.

        Args:
            name: of the column.
            rule: what they may be.
        """
        given = self._plain(name)
        if given is None:
            return None
        values = _without_nan(given)
        kind = values.type
        if pa.types.is_null(kind):
            return pa.nulls(len(values), pa.string())
        if pa.types.is_floating(kind):
            # An integer column with a hole in it, in pandas.
            numbers = np.asarray(values.fill_null(0))
            if (np.abs(numbers) < _FAR).all() and (numbers == np.trunc(numbers)).all():
                values = values.cast(pa.int64())
                kind = values.type
        if pa.types.is_integer(kind):
            self._note("numbers in the place of texts are read as texts", name)
            values = values.cast(pa.string())
        elif pa.types.is_boolean(kind) and not rule.alphabet:
            # Of a category; no reference is true or false.
            self._note("true and false are read as texts", name)
            values = values.cast(pa.string())
        elif not _is_text(kind):
            self._wrong_type(name, kind, f"a text of {rule.bound}")
            return None
        texts = self._known_texts(values, name)
        if _is_text(kind) and rule.alphabet:
            texts = self._whole_texts(texts, name)
        for problem, bad in text_problems(texts, rule).items():
            self.refuse(name, bad, problem)
        if name == CASE_REF:
            self._refuse_no_cases(texts)
        return texts

    def _refuse_no_cases(self, references: pa.Array) -> None:
        """Refuses rows that are of no case: sums, headings again, and notes beside a table."""
        several = pc.match_substring_regex(references, _OF_SEVERAL).fill_null(False)
        told = (
            "are of several cases, such as a sum or a mean, by their reference; delete them, or "
            "give such cases another reference"
        )
        self.refuse(CASE_REF, np.asarray(several), told)

        headings = [own for own, name in self.mapping.columns.items() if name == CASE_REF]
        again = pc.is_in(references, pa.array([CASE_REF, *headings], pa.string()))
        self.refuse(CASE_REF, np.asarray(again), "are the names of columns again; delete them")

        # What is the same for all rows of a file is no cell of a row.
        refs = {CASE_REF, OFFICE_REF, *self.mapping.constants}
        others = [name for name in self.batch.schema.names if name not in refs]
        if not set(FEATURES.names) & set(others):
            # Of groups, or references alone: a row may have nothing else.
            return
        words = pc.match_substring_regex(references, _NOTE).fill_null(False)
        alone = np.asarray(words)
        if not alone.any():
            return
        for name in others:
            alone = alone & np.asarray(self.batch.column(name).is_null())
        told = (
            "have words in the place of a reference and nothing else, as notes have; delete them, "
            "or give such cases another reference"
        )
        self.refuse(CASE_REF, alone & ~np.asarray(several), told)

    def _whole_texts(self, texts: pa.Array, name: str) -> pa.Array:
        """Gives references that were numbers with a hole in their column without the `.0`."""
        holed = pc.match_substring_regex(texts, r"^\d+\.0$")
        if pc.any(holed).as_py():
            self._note("numbers in the place of texts are read as texts", name)
            texts = pc.replace_substring_regex(texts, r"^(\d+)\.0$", r"\1")
        rounded = pc.match_substring_regex(texts, r"^\d([.,]\d+)?[eE]\+?\d+$").fill_null(False)
        told = "are numbers that a spreadsheet has rounded; write the column as text"
        self.refuse(name, np.asarray(rounded), told)
        return texts

    def refuse(self, name: str, bad: Bools, bound: str, values: pa.Array | None = None) -> None:
        """Adds the bad cells of a column to the problems.

        Args:
            name: of the column.
            bad: which rows, shape (n,).
            bound: what is permitted; without values, what the rows have in common.
            values: to show, n of them.
        """
        if bad.any():
            shown = None if values is None else _Shown(values)
            self.problems.cells(self._where(name), bad, self.first_row, bound, shown)

    def _where(self, name: str) -> str:
        return f"{self.file}: column {name}" if self.file else f"column {name}"

    def _note(self, what: str, name: str) -> None:
        self.assumed.add(what, name, self.file)

    def _wrong_type(self, name: str, kind: pa.DataType, bound: str) -> None:
        # Identifiers of 16 bytes, as DuckDB writes them, and texts that do not say that they are.
        fix = "; write it as text" if _is_binary(kind) else ""
        self.problems.add(self._where(name), f"has type {kind}; permitted is {bound}{fix}")

    def _plain(self, name: str) -> pa.Array | None:
        """Gives a column without dictionaries and the like, its codes as the mapping says."""
        given = self._given(name)
        return None if given is None else self._as_plain(given, name)

    def _given(self, name: str) -> pa.Array | None:
        """Gives a column as it is stored: values, or a dictionary and places in it."""
        if name not in self.batch.schema.names:
            return None
        values = self.batch.column(name)
        if isinstance(values, pa.ExtensionArray):
            values = values.storage
        return pc.run_end_decode(values) if pa.types.is_run_end_encoded(values.type) else values

    def _as_plain(self, values: pa.Array, name: str) -> pa.Array:
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if str(values.type) == "string_view":
            values = values.cast(pa.string())
        codes = self.mapping.values.get(name)
        if codes and not pa.types.is_null(values.type):
            return self._mapped(values, codes)
        return values

    def _mapped(self, values: pa.Array, codes: Mapping[str, str]) -> pa.Array:
        """Replaces an agency's codes; any other value stays the text that it is."""
        values = _without_nan(values)
        kind = values.type
        if pa.types.is_boolean(kind):
            texts = pc.if_else(values, "true", "false")
            codes = {code.lower() if code in {"True", "False"} else code: value
                     for code, value in codes.items()}  # fmt: skip
        elif pa.types.is_floating(kind):
            texts = pa.array([_as_text(value) for value in values.to_pylist()], pa.string())
        elif _is_text(kind):
            texts = pc.utf8_trim_whitespace(values.cast(pa.string()))
            # A whole code in a column with holes, as pandas writes it.
            texts = pc.replace_substring_regex(texts, r"^(-?\d+)[.,]0$", r"\1")
        else:
            texts = values.cast(pa.string())
        # As the cells: without blanks around them, and whole ones without the `.0`.
        names = [re.sub(r"^(-?\d+)[.,]0$", r"\1", code.strip()) for code in codes]
        places = pc.index_in(texts, pa.array(names, pa.string()))
        meant = pa.array([value or None for value in codes.values()], pa.string()).take(places)
        return pc.if_else(places.is_valid(), meant, texts)

    def _known_texts(self, values: pa.Array, name: str) -> pa.Array:
        """Gives texts, null where they say that nothing is known."""
        texts = values.cast(pa.string())
        unknown = pc.is_in(pc.utf8_trim_whitespace(texts), _not_known_texts())
        if pc.any(unknown).as_py():
            self._tell_unknown(texts.filter(unknown), name)
            texts = pc.if_else(unknown, None, texts)
        return texts

    def _tell_unknown(self, texts: pa.Array, name: str) -> None:
        for text in pc.unique(texts).to_pylist():
            if text.strip():
                self._note(f"{text.strip()} is read as unknown", name)

    def _places(self, values: pa.Array, feature: Feature) -> tuple[NDArray[np.int64], Bools] | None:
        """Gives each value's place among the feature's, from 1; 0 where unknown or not read."""
        if pa.types.is_null(values.type):
            return np.zeros(len(values), np.int64), np.zeros(len(values), np.bool_)
        if pa.types.is_boolean(values.type) and set(feature.values) >= _YES_NO:
            self._note("true and false are read as YES and NO", feature.name)
            values = pc.if_else(values, "YES", "NO")
        if not _is_text(values.type):
            fix = f"; say in --map, under values.{feature.name}, what its values mean"
            self._wrong_type(feature.name, values.type, feature.bound + fix)
            return None
        return self._looked_up(values, feature.name, feature.values, PREFIXES.get(feature.name, ""))

    def _looked_up(
        self, values: pa.Array, name: str, permitted: tuple[str, ...], prefix: str
    ) -> tuple[NDArray[np.int64], Bools]:
        texts = values.cast(pa.string())
        places = pc.index_in(texts, pa.array(permitted, pa.string()))
        found = np.asarray(places.fill_null(-1)).astype(np.int64) + 1
        known = np.asarray(texts.is_valid())
        others = np.flatnonzero((found == 0) & known)
        if len(others):
            # Few are different, however many there are.
            apart = texts.take(pa.array(others)).dictionary_encode()
            meant = [
                self._meant(text, name, permitted, prefix) for text in apart.dictionary.to_pylist()
            ]
            numbers = np.array([permitted.index(one) + 1 if one else 0 for one in meant], np.int64)
            unknown = np.array([one == "" for one in meant], np.bool_)
            indices = np.asarray(apart.indices)
            found[others] = numbers[indices]
            known = known.copy()
            known[others] = ~unknown[indices]
        return found, known

    def _meant(self, text: str, name: str, permitted: tuple[str, ...], prefix: str) -> str | None:
        """Gives the permitted value that a text means: "" for unknown, None if it is not clear."""
        stripped = text.strip()
        if stripped in permitted:
            self._note("blanks around values are left out", name)
            return stripped
        if stripped.upper() == "NONE" and "NONE" in permitted:
            return None
        plain = re.sub(r"[ \-]+", "_", stripped.upper())
        if stripped in NOT_KNOWN or plain in {UNKNOWN, "UNSPECIFIED", f"{prefix}UNSPECIFIED"}:
            if stripped:
                self._note(f"{stripped} is read as unknown", name)
            return ""
        if set(permitted) >= _YES_NO and plain in _TRUTH:
            self._note("true and false are read as YES and NO", name)
            return _TRUTH[plain]
        if plain in permitted:
            self._note("values in other letters are read as the contract's", name)
            return plain
        if prefix and plain.startswith(prefix) and plain[len(prefix) :] in permitted:
            self._note("values with the contract's prefix are read without it", name)
            return plain[len(prefix) :]
        return None

    def _whole(
        self, values: pa.Array, feature: Feature, unread: int
    ) -> tuple[NDArray[np.int64], Bools] | None:
        """Reads whole numbers, `unread` where unknown or not read, and where something is given."""
        kind, name = values.type, feature.name
        if pa.types.is_null(kind):
            return np.full(len(values), unread), np.zeros(len(values), np.bool_)
        if pa.types.is_integer(kind):
            if pa.types.is_uint64(kind):
                # Beyond 63 bits there are but numbers that are too high, whatever they are.
                values = pc.min_element_wise(
                    values, pa.scalar(feature.upper + 1, pa.uint64()), skip_nulls=False
                )
            whole = values.cast(pa.int64())
            if not whole.null_count:
                return np.asarray(whole), np.ones(len(whole), np.bool_)
            return np.asarray(whole.fill_null(unread)), np.asarray(whole.is_valid())
        if _is_number(kind):
            floats, not_read = _floats(values), np.zeros(len(values), np.bool_)
            if pa.types.is_floating(kind) and not np.isnan(floats).all():
                self._note("whole numbers written as 12.0 are read as 12", name)
        elif _is_text(kind):
            if feature.unit == "percent":
                values = self._without_percent_signs(values, name)
            floats, not_read = self._numbers_of_texts(values, name, truth=False)
            if pc.any(pc.ends_with(values, ".0")).as_py():
                self._note("whole numbers written as 12.0 are read as 12", name)
        else:
            self._wrong_type(name, kind, f"whole numbers, {feature.bound}")
            return None
        known = ~np.isnan(floats) | not_read
        # An infinite number is none that is too high: it is what a division by nothing leaves.
        good = np.isfinite(floats) & (floats == np.trunc(floats))
        numbers = np.where(good, np.clip(floats, -_FAR, _FAR), unread).astype(np.int64)
        return numbers, known

    def _without_percent_signs(self, values: pa.Array, name: str) -> pa.Array:
        """Gives texts of percents as numbers alone; a share such as 0.45 never has the sign."""
        texts = values.cast(pa.string())
        bare = pc.replace_substring_regex(texts, r"^(\s*\d+([.,]\d+)?)\s*%\s*$", r"\1")
        if pc.any(pc.not_equal(bare, texts)).as_py():
            self._note("percents are read without their sign", name)
        return bare

    def _numbers_of_texts(
        self, values: pa.Array, name: str, upper: float = math.inf, *, truth: bool
    ) -> tuple[Floats, Bools]:
        """Reads texts as numbers, unknown as NaN; and says which are none."""
        texts = self._known_texts(values, name)
        apart = texts.dictionary_encode()
        each = apart.dictionary.to_pylist()
        unsure = self._thousands(each, upper)
        read = [None if text in unsure else self._number(text, name, truth=truth) for text in each]
        # One more, for null.
        numbers = np.array([*(np.nan if one is None else one for one in read), np.nan])
        bad = np.array([*(one is None for one in read), False], np.bool_)
        indices = np.asarray(apart.indices.fill_null(len(read)))
        return numbers[indices], bad[indices]

    def _thousands(self, texts: Sequence[str], upper: float) -> set[str]:
        """Gives the texts whose sign may be of thousands or of decimals, such as 1.250.

        Args:
            texts: of a column.
            upper: highest number that there can be.
        """
        if not self.comma or self.mapping.decimal:
            return set()
        unsure = {text for text in texts if _EITHER.fullmatch(text.strip())}
        # A sign that stands in 12.5 or 0.125 too is that of decimals.
        signs = {
            sign
            for text in {*texts} - unsure
            for sign in ".,"
            if _SIGNED.fullmatch(text.strip()) and sign in text
        }
        return {
            text
            for text in unsure
            if not signs.intersection(text) and abs(float(re.sub("[.,]", "", text))) <= upper
        }

    def _number(self, text: str, name: str, *, truth: bool) -> float | None:
        plain = text.strip()
        if _NUMBER.fullmatch(plain):
            # A mapping that says how decimals are written leaves no other sign for them.
            return None if self.mapping.decimal == "," and "." in plain else float(plain)
        if truth and plain.upper() in _TRUTH:
            self._note("true and false are read as 1 and 0", name)
            return float(_TRUTH[plain.upper()] == "YES")
        comma = self.comma or self.mapping.decimal == ","
        if comma and self.mapping.decimal != "." and _COMMA_NUMBER.fullmatch(plain):
            self._note("a comma in a number is the decimal sign", name)
            return float(plain.replace(",", "."))
        return None

    def _of_timestamps(self, values: pa.Array, name: str) -> tuple[Days, Bools]:
        """Reads moments as days: those of the zone that they are in."""
        zone = values.type.tz
        if zone and not _UTC.fullmatch(zone):
            try:
                values = pc.local_timestamp(values)
            except pa.ArrowInvalid:
                self.problems.add(self._where(name), f"its time zone {zone} is not known; {_LOCAL}")
                return np.full(len(values), np.datetime64("NaT"), "datetime64[D]"), np.zeros(
                    len(values), np.bool_
                )
            self._note(f"moments are read as their date in {zone}", name)
            zone = None
        elif zone:
            values = values.cast(pa.timestamp(values.type.unit))
        days = _as_days(values.cast(pa.timestamp("us"), safe=False).cast(pa.date32(), safe=False))
        micro = np.asarray(
            values.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).fill_null(0)
        )
        minutes = (micro // 60_000_000) % 1440
        known = np.asarray(values.is_valid())
        return days, self._timed(minutes, known, name, utc=bool(zone))

    def _timed(self, minutes: NDArray[np.int64], known: Bools, name: str, *, utc: bool) -> Bools:
        """Says which moments have no day that is certain, shape (n,)."""
        late = known & (minutes != 0)
        if not late.any():
            return np.zeros(len(known), np.bool_)
        times = {f"{one // 60:02}:{one % 60:02}" for one in np.unique(minutes[known]).tolist()}
        if utc or _are_midnights(times):
            self.problems.add(self._where(name), f"{_BY_UTC if utc else _ELSEWHERE}; {_LOCAL}")
            return np.zeros(len(known), np.bool_)
        self._note("moments are read as their date", name)
        return np.zeros(len(known), np.bool_)

    def _days_of_texts(self, values: pa.Array, name: str) -> tuple[Days, Bools]:
        texts = self._known_texts(values, name)
        apart = texts.dictionary_encode()
        read = [self._day(text, name) for text in apart.dictionary.to_pylist()]
        days = np.array([*(day for day, _ in read), None], "datetime64[D]")
        bad = np.array([*(day is None for day, _ in read), False], np.bool_)
        indices = np.asarray(apart.indices.fill_null(len(read)))
        times = {time for _, time in read if time}
        if _are_midnights({time[:5] for time in times}):
            self.problems.add(self._where(name), f"{_ELSEWHERE}; {_LOCAL}")
        return days[indices], bad[indices]

    def _day(self, text: str, name: str) -> tuple[date | None, str]:
        """Gives the day that a text says, None if that is not clear, and the time that it has."""
        plain = text.strip()
        if self.mapping.date_format:
            return _parsed(lambda: datetime.strptime(plain, self.mapping.date_format)), ""
        if found := _DATED.fullmatch(plain):
            day, _, time, zone = found.groups()
            late = bool(time) and time.strip("0:.,") != ""
            if zone and _UTC.fullmatch(zone) and late:
                self.problems.add(self._where(name), f"{_BY_UTC}; {_LOCAL}")
                return date.fromisoformat(day) if _is_day(day) else None, ""
            if late:
                self._note("moments are read as their date", name)
            return _parsed(lambda: datetime.fromisoformat(day)), time or ""
        if found := _DOTTED.fullmatch(plain):
            self._note("24.12.2024 is read as day, month, year", name)
            of_day, month, year = (int(one) for one in found.groups()[:3])
            return _parsed(lambda: datetime(year, month, of_day)), ""
        if found := _SLASHED.fullmatch(plain):
            self._note("2024/12/24 is read as year, month, day", name)
            year, month, of_day = (int(one) for one in found.groups()[:3])
            return _parsed(lambda: datetime(year, month, of_day)), ""
        if found := _PLAIN_DAY.fullmatch(plain):
            self._note("20241224 is read as year, month, day", name)
            year, month, of_day = (int(one) for one in found.groups())
            return _parsed(lambda: datetime(year, month, of_day)), ""
        return None, ""


@cache
def _not_known_texts() -> pa.Array:
    # Made when a file is read: Arrow loads pandas, if it is there, to make an array of a list.
    return pa.array(sorted(NOT_KNOWN), pa.string())


class _Shown:
    """Values of an Arrow column by row, as messages show them."""

    def __init__(self, values: pa.Array) -> None:
        self._values = values

    def __getitem__(self, row: int, /) -> object:
        return self._values[row].as_py()


def text_problems(texts: pa.Array, rule: TextRule) -> dict[str, NDArray[np.bool_]]:
    """Says what is wrong with a column of texts, each problem with the rows that have it, (n,)."""
    # Those that may be bad are found in bulk; they are few, and looked at one by one.
    unsure = pc.or_(
        pc.match_substring_regex(texts, rule.unsure),
        pc.greater(pc.utf8_length(texts), rule.longest),
    ).fill_null(False)
    places = np.flatnonzero(np.asarray(unsure))
    return rule.problems(texts.take(pa.array(places)).to_pylist(), places, len(texts))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _are_midnights(times: Set[str]) -> bool:
    """Tells whether times of day are midnights by another zone's clock, not by one's own."""
    return bool(times & _MIDNIGHTS) and times <= {*_MIDNIGHTS, "00:00"}


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or str(kind) == "binary_view"
    )


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _without_nan(values: pa.Array) -> pa.Array:
    """Gives null for NaN: in pandas a column of nothing but unknowns is of such numbers."""
    if not pa.types.is_floating(values.type):
        return values
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    values = pc.if_else(pc.is_nan(values), None, values)
    return pa.nulls(len(values)) if values.null_count == len(values) else values


def _floats(values: pa.Array) -> Floats:
    """Gives numbers of any kind, null as NaN."""
    found: Floats = np.asarray(values.cast(pa.float64(), safe=False).fill_null(np.nan), np.float64)
    return found


def _are_broken(numbers: Floats) -> Bools:
    """Tells which numbers are finite and not whole, shape (n,)."""
    return np.asarray(np.isfinite(numbers) & (numbers != np.trunc(numbers)), np.bool_)


def _as_days(values: pa.Array) -> Days:
    days = values.cast(pa.date32()).to_numpy(zero_copy_only=False).astype("datetime64[D]")
    found: Days = days.copy()
    return found


def _as_text(value: Any) -> str | None:  # noqa: ANN401 - a number or null
    if value is None:
        return None
    return str(int(value)) if math.isfinite(value) and value == int(value) else str(value)


def _is_day(text: str) -> bool:
    return _parsed(lambda: datetime.fromisoformat(text)) is not None


def _parsed(read: Callable[[], datetime]) -> date | None:
    try:
        return read().date()
    except ValueError:
        return None
