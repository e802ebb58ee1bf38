"""Promotes versions, rolls back, tries canaries, and records who did and why, a line each."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from os.path import lexists
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from router.addresses import holds_secret
from router.cases.features import FEATURES, OFFICE_REF, REFERENCES
from router.cases.national_id import holds_national_id
from router.decision.catalogue import Catalogue
from router.files.acts import Acts, who
from router.files.aside import written_aside
from router.files.plain_files import plain_bytes
from router.mendable import Mendable
from router.versions.pointers import CANARY, OFFICES_AT_MOST, Canary, read_canary
from router.versions.registry import (
    PROMOTED,
    ModelRefused,
    check_files,
    check_name,
    load_model,
    promoted_version,
)
from training.evaluation.gate import Verdict
from training.version.files import GATE

PROMOTIONS = "promotions.jsonl"
_REASON_AT_MOST = 500
# Far above a century of promotions, and no more than can be held in memory.
_BYTES_AT_MOST = 16 * 1024 * 1024
_OF_CANARIES = ("canary", "canary-end")
_KEPT_NOWHERE = Acts(None)


class NotPromoted(Mendable, ValueError):
    """The promoted version stays as it was; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One line of the record.

    Attributes:
        time: UTC, to the second.
        kind: what was done; "canary" and "canary-end" are of one that answers some offices.
        before: the version promoted until then, or None; of a canary the one that was it.
        after: the version promoted since; of a canary the one that is or was it.
        gate: "passed", or why it did not; of a rollback, what it was when that version was promoted
            is above.
        override: why the version was promoted although its gate did not pass, or None.
        by: the user's name on the machine.
        offices: whose cases a canary answers.
    """

    time: str
    kind: Literal["promote", "rollback", "canary", "canary-end"]
    before: str | None
    after: str
    gate: str
    override: str | None
    by: str
    offices: tuple[str, ...] = ()


_READER = msgspec.json.Decoder(Promotion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A line of the record that cannot be read; written "line 3: is not a promotion: why".

    Attributes:
        number: of the line, from 1.
        problem: why not.
    """

    number: int
    problem: str

    def __str__(self) -> str:
        """Says which line, and why it cannot be read."""
        return f"line {self.number}: is not a promotion: {self.problem}"


def promote(
    models: Path,
    name: str,
    catalogue: Catalogue,
    override: str | None = None,
    acts: Acts = _KEPT_NOWHERE,
    anew: Verdict | None = None,
) -> Promotion:
    """Makes a version the one that is served, once verified as the server does, and records it.

    Args:
        models: folder of the versions.
        name: of the version.
        catalogue: that it must fit.
        override: why it is promoted although its gate did not pass; 1 to 500 characters, kept in
            the record.
        acts: where it is written down beside the record.
        anew: what the gate says now; the version must pass both this and the verdict that was kept
            when it was fitted.

    Raises:
        ActNotKept: if it cannot be written down.
        ModelRefused: if it cannot be served, or a file of it was changed; no override helps.
        NotPromoted: if its gate failed or is missing and no override is given, or the override is
            no reason.
        ValueError: if the name is not that of a version.
    """
    gate = _let_through(models, name, catalogue, override, anew)
    # Under the lock: who is promoted now must not change until it is recorded.
    with _record(models) as file:
        before = _current(models)
        done = Promotion(
            kind="promote",
            before=before,
            after=name,
            gate=gate,
            override=override,
            time=_now(),
            by=who(),
        )
        _append(file, done, models / PROMOTED, f"{name}\n", acts)
        # It answers everybody now; left there, it would outlive the next promotion too.
        _end_if_canary(models, name)
        return done


def start_canary(
    models: Path,
    name: str,
    offices: Sequence[str],
    catalogue: Catalogue,
    override: str | None = None,
    acts: Acts = _KEPT_NOWHERE,
    anew: Verdict | None = None,
) -> Promotion:
    """Has a version answer some offices' cases, verified and let through as a promoted one.

    There is one canary at most: another one takes its place.

    Args:
        models: folder of the versions.
        name: of the version.
        offices: their references.
        catalogue: that it must fit.
        override: why, although its gate did not pass.
        acts: where it is written down beside the record.
        anew: as `promote`.

    Raises:
        ActNotKept: if it cannot be written down.
        ModelRefused: if it cannot be served, or a file of it was changed.
        NotPromoted: as `promote`, or if an office's reference is none.
        ValueError: if the name is not that of a version.
    """
    gate = _let_through(models, name, catalogue, override, anew)
    canary = Canary(version=name, offices=tuple(dict.fromkeys(offices)))
    _check_offices(canary.offices)
    with _record(models) as file:
        before = read_canary(models)
        done = Promotion(
            kind="canary",
            before=before.version if before else None,
            after=name,
            gate=gate,
            override=override,
            offices=canary.offices,
            time=_now(),
            by=who(),
        )
        return _append(file, done, models / CANARY, str(canary), acts)


def end_canary(models: Path, acts: Acts = _KEPT_NOWHERE) -> Promotion:
    """Has the promoted version answer all offices again.

    Raises:
        ActNotKept: if it cannot be written down.
        NotPromoted: if there is no canary.
    """
    with _record(models) as file:
        try:
            canary = read_canary(models)
        except ModelRefused:
            # Whatever it says, it is to go.
            canary = Canary(version="", offices=())
        if canary is None:
            raise NotPromoted(f"{models / CANARY}: there is no canary")
        done = Promotion(
            kind="canary-end",
            before=canary.version,
            after=canary.version,
            gate="not asked",
            override=None,
            offices=canary.offices,
            time=_now(),
            by=who(),
        )
        return _append(file, done, models / CANARY, None, acts)


def _let_through(
    models: Path, name: str, catalogue: Catalogue, override: str | None, anew: Verdict | None
) -> str:
    """Verifies a version as the server does, and gives what its gate said.

    Raises:
        ModelRefused: if it cannot be served, or a file of it was changed.
        NotPromoted: if its gate did not pass and no good reason is given.
        ValueError: if the name is not that of a version.
    """
    check_name(name)
    # Before gate and override: for a changed file no reason is good enough.
    load_model(models / name, FEATURES, catalogue)
    check_files(models / name)
    if override is not None:
        _check_reason(override)

    gate = _gate(models / name)
    if anew is not None and not anew.passed:
        failed = ", ".join(one.name for one in anew.conditions if not one.passed)
        # Also beside what failed before: whoever overrides is told, and the record says, of both.
        kept = "" if gate == "passed" else f"{gate}; "
        gate = f"{kept}failed: {failed} (judged anew)"
    if gate != "passed" and override is None:
        raise NotPromoted(
            f"{name}: its gate {gate}; it can be promoted only with --override and the reason why"
        )
    return gate


def _check_offices(offices: Sequence[str]) -> None:
    if not 1 <= len(offices) <= OFFICES_AT_MOST:
        told = f"{len(offices):,} offices; 1 to {OFFICES_AT_MOST:,} are permitted"
        raise NotPromoted(f"office: {told}")
    for number, office in enumerate(offices, 1):
        problem = REFERENCES[OFFICE_REF].problem(office)
        if problem:
            raise NotPromoted(f"office: number {number} {problem}")


def _end_if_canary(models: Path, name: str) -> None:
    try:
        canary = read_canary(models)
    except ModelRefused:
        # The server tells of it; that another version was promoted does not mend it.
        return
    if canary is not None and canary.version == name:
        (models / CANARY).unlink(missing_ok=True)


def rollback(models: Path, catalogue: Catalogue, acts: Acts = _KEPT_NOWHERE) -> Promotion:
    """Returns to the version that was promoted before the present one, and appends to the record.

    A second rollback goes one further back. The gate is not asked again. Lines that cannot be read
    stay as they are; what was promoted before is told by those after them, or not at all.

    Raises:
        ActNotKept: if it cannot be written down.
        ModelRefused: if that version cannot be served any more.
        NotPromoted: if the record does not tell it, or does not end with the version that is
            promoted.
    """
    # Before the record is opened, which would begin one in a folder that has no versions.
    promoted_version(models)
    with _record(models) as file:
        current = promoted_version(models)
        before = _promoted_before(models, current)
        if not (models / before).is_dir():
            gone = f"{before}, promoted before {current}, is no longer in {models}"
            raise NotPromoted(f"{gone}; promote one that is by name")
        load_model(models / before, FEATURES, catalogue)
        check_files(models / before)
        done = Promotion(
            kind="rollback",
            before=current,
            after=before,
            gate="not asked",
            override=None,
            time=_now(),
            by=who(),
        )
        return _append(file, done, models / PROMOTED, f"{done.after}\n", acts)


def _promoted_before(models: Path, current: str) -> str:
    """Gives the version that was promoted before the present one.

    Raises:
        NotPromoted: if the record does not tell it.
    """
    path, lines = models / PROMOTIONS, _lines(models)
    stack = _stack(lines)
    if stack[-1:] == [current] and len(stack) > 1:
        return stack[-2]
    unread = [one for one in lines if isinstance(one, Unread)]
    if unread:
        told = f"{path} {unread[-1]}: it may tell what was promoted before {current}"
    elif not stack:
        told = f"{path}: holds no promotion, and {current} is promoted"
    elif stack[-1] != current:
        told = f"{path}: ends with {stack[-1]} and {current} is promoted"
    else:
        raise NotPromoted(f"{path}: knows of no version before {current}")
    known = {name for one in read_promotions(models) for name in (one.before, one.after) if name}
    others = ", ".join(sorted(known - {current})) or "none"
    raise NotPromoted(
        f"{told}; name the version: `python -m training promote VERSION`, with --override and the "
        f"reason why if its gate did not pass (beside {current} the record names {others})"
    )


def read_promotions(models: Path) -> tuple[Promotion, ...]:
    """Reads what can be read of the record, oldest first; empty if nothing was ever promoted.

    Raises:
        NotPromoted: if the record cannot be read.
    """
    return tuple(one for one in _lines(models) if isinstance(one, Promotion))


def unread_lines(models: Path) -> tuple[Unread, ...]:
    """Gives the lines of the record that cannot be read, a torn last one not among them.

    Raises:
        NotPromoted: if the record cannot be read.
    """
    return tuple(one for one in _lines(models) if isinstance(one, Unread))


def _lines(models: Path) -> list[Promotion | Unread]:
    found: list[Promotion | Unread] = []
    # Not at other ends of lines than those that are written: names may hold U+2028.
    for number, line in enumerate(_recorded(models).split("\n"), 1):
        if line.strip():
            found.append(_read_line(number, line))
    # Who promotes next takes the torn line away: its promotion never came to be.
    return found[:-1] if torn_record(models) else found


def _read_line(number: int, line: str) -> Promotion | Unread:
    try:
        # What else a later release writes into a line is no matter; another kind of act is.
        read = _READER.decode(line)
        if read.kind not in _OF_CANARIES:
            # A version from here becomes a path.
            for name in (read.before, read.after):
                if name is not None:
                    check_name(name)
    except (ValueError, RecursionError, msgspec.DecodeError) as problem:
        return Unread(number=number, problem=str(problem)[:_REASON_AT_MOST])
    return read


def is_torn(line: str) -> bool:
    """Tells whether a line was being written when the machine stopped: it has no end."""
    if not line or line.endswith("\n"):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return True
    return False


def torn_record(models: Path) -> str:
    """Gives the torn last line of the record, "" if it has none."""
    last = _recorded(models).rpartition("\n")[2]
    return last if is_torn(last) else ""


def _recorded(models: Path) -> str:
    """Reads the record as it is, "" if there is none.

    Raises:
        NotPromoted: if something else lies there than a file of up to 16 MiB.
    """
    path = models / PROMOTIONS
    if not lexists(path):
        return ""
    try:
        return plain_bytes(path, _BYTES_AT_MOST, links=True).decode(errors="replace")
    except ValueError as problem:
        raise NotPromoted(f"{path}: {problem}; move it away") from problem


def _stack(lines: Sequence[Promotion | Unread]) -> list[str]:
    """Lists the versions that were promoted and not rolled back, the present one last."""
    stack: list[str] = []
    for one in lines:
        if isinstance(one, Unread):
            # Whatever it did, it is not known what lies below what comes after it.
            stack = []
            continue
        if one.kind in _OF_CANARIES:
            continue
        if one.kind == "rollback":
            stack = stack[:-1] if stack[-2:-1] == [one.after] else [one.after]
            continue
        # A version may have been served that no line before this tells of.
        for name in (one.before, one.after):
            if name is not None and stack[-1:] != [name]:
                stack.append(name)
    return stack


def _gate(folder: Path) -> str:
    """Tells what the gate said: "passed", or why it did not."""
    if not lexists(folder / GATE):
        return f"is missing ({GATE})"
    try:
        content: Any = json.loads(plain_bytes(folder / GATE, _BYTES_AT_MOST))
        passed, conditions = content["passed"], content["conditions"]
        failed = [str(one.get("name", one)) for one in conditions if one["passed"] is not True]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        return f"cannot be read ({GATE}: {problem!r})"
    # Strictly: a file without conditions, or with words for truth, proves nothing.
    if passed is True and conditions and not failed:
        return "passed"
    return f"failed: {', '.join(failed) or 'it names no condition'}"


def _check_reason(override: str) -> None:
    if not override.strip() or len(override) > _REASON_AT_MOST or not override.isprintable():
        raise NotPromoted(
            f"override: must be a reason of 1 to {_REASON_AT_MOST} characters on one line"
        )
    if holds_secret(override):
        raise NotPromoted(
            "override: holds an address with a password, a signature or a token; the record must "
            "not hold any"
        )
    if holds_national_id(override):
        raise NotPromoted(
            "override: looks like a national identity number; the record must not hold any"
        )


def _current(models: Path) -> str | None:
    return promoted_version(models) if (models / PROMOTED).exists() else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _record(models: Path) -> Iterator[BinaryIO]:
    """Opens the record, to append by one at a time."""
    # What is no plain file, or too large, is not opened to write.
    _recorded(models)
    with (models / PROMOTIONS).open("a+b") as file:
        # The lock goes with the file, also where the process dies.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _mended(file: BinaryIO) -> int:
    """Takes a torn last line away, or ends one that lacks its end; gives the length then."""
    file.seek(0)
    last = file.read().rpartition(b"\n")[2]
    if last:
        if is_torn(last.decode(errors="replace")):
            file.truncate(file.tell() - len(last))
        else:
            file.write(b"\n")
            file.flush()
    return os.fstat(file.fileno()).st_size


def _append(
    file: BinaryIO, promotion: Promotion, pointer: Path, content: str | None, acts: Acts
) -> Promotion:
    """Writes the act down, then the record, then the pointer; without content the pointer goes.

    No promotion goes unrecorded, and one that fails leaves no line.

    Raises:
        ActNotKept: if the act cannot be written down.
        OSError: if record or pointer cannot be written.
    """
    told = asdict(promotion)
    if not promotion.offices:
        # As releases before canaries wrote it, and read it.
        del told["offices"]
    # Those that it has itself, by names of its own.
    more = {name: told[name] for name in told.keys() & {"gate", "override", "offices"}}
    acts.keep(promotion.kind, promotion.before, promotion.after, **more)

    length = _mended(file)
    line = json.dumps(told, ensure_ascii=False).encode() + b"\n"

    def record() -> None:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())

    try:
        # The pointer is changed only after the line is on disk.
        if content is None:
            record()
            pointer.unlink(missing_ok=True)
        else:
            with written_aside(pointer, shared=True) as aside:
                aside.write_text(content, encoding="utf-8")
                record()
    except OSError:
        # Not renamed, so not promoted: the line would tell of what never was.
        file.truncate(length)
        raise
    return promotion
