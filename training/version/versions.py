"""Promotes versions and rolls back, and records who did and why, a line each."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from router.cases.features import FEATURES
from router.cases.national_id import holds_national_id
from router.decision.catalogue import Catalogue
from router.files.acts import Acts, who
from router.files.aside import written_aside
from router.mendable import Mendable
from router.versions.registry import PROMOTED, check_files, check_name, load_model, promoted_version
from training.version.files import GATE

PROMOTIONS = "promotions.jsonl"
_REASON_AT_MOST = 500
_KEPT_NOWHERE = Acts(None)


class NotPromoted(Mendable, ValueError):
    """The promoted version stays as it was; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One line of the record.

    Attributes:
        time: UTC, to the second.
        kind: "promote" or "rollback".
        before: the version promoted until then, or None.
        after: the version promoted since.
        gate: "passed", or why it did not; of a rollback, what it was when that version was promoted
            is above.
        override: why the version was promoted although its gate did not pass, or None.
        by: the user's name on the machine.
    """

    time: str
    kind: str
    before: str | None
    after: str
    gate: str
    override: str | None
    by: str


def promote(
    models: Path,
    name: str,
    catalogue: Catalogue,
    override: str | None = None,
    acts: Acts = _KEPT_NOWHERE,
) -> Promotion:
    """Makes a version the one that is served, once verified as the server does, and records it.

    Args:
        models: folder of the versions.
        name: of the version.
        catalogue: that it must fit.
        override: why it is promoted although its gate did not pass; 1 to 500 characters, kept in
            the record.
        acts: where it is written down beside the record.

    Raises:
        ActNotKept: if it cannot be written down.
        ModelRefused: if it cannot be served, or a file of it was changed; no override helps.
        NotPromoted: if its gate failed or is missing and no override is given, or the override is
            no reason.
        ValueError: if the name is not that of a version.
    """
    check_name(name)
    # Before gate and override: for a changed file no reason is good enough.
    load_model(models / name, FEATURES, catalogue)
    check_files(models / name)
    if override is not None:
        _check_reason(override)

    gate = _gate(models / name)
    if gate != "passed" and override is None:
        raise NotPromoted(
            f"{name}: its gate {gate}; it can be promoted only with --override and the reason why"
        )
    # Under the lock: who is promoted now must not change until it is recorded.
    with _record(models) as file:
        before = _current(models)
        done = Promotion(
            kind="promote", before=before, after=name, gate=gate, override=override, **_now()
        )
        acts.keep(done.kind, before, name, gate=gate, override=override)
        return _append(models, file, done)


def rollback(models: Path, catalogue: Catalogue, acts: Acts = _KEPT_NOWHERE) -> Promotion:
    """Returns to the version that was promoted before the present one, and appends to the record.

    A second rollback goes one further back. The gate is not asked again.

    Raises:
        ActNotKept: if it cannot be written down.
        ModelRefused: if that version cannot be served any more.
        NotPromoted: if the record has none, or does not end with the version that is promoted.
    """
    with _record(models) as file:
        current = promoted_version(models)
        stack = _stack(read_promotions(models))
        if not stack or stack[-1] != current:
            ends = stack[-1] if stack else "no version"
            apart = f"ends with {ends} and {current} is promoted"
            raise NotPromoted(f"{models / PROMOTIONS}: {apart}; promote one by name")
        if len(stack) == 1:
            raise NotPromoted(f"{models / PROMOTIONS}: knows of no version before {current}")
        if not (models / stack[-2]).is_dir():
            gone = f"{stack[-2]}, promoted before {current}, is no longer in {models}"
            raise NotPromoted(f"{gone}; promote one that is by name")
        load_model(models / stack[-2], FEATURES, catalogue)
        check_files(models / stack[-2])
        done = Promotion(
            kind="rollback",
            before=current,
            after=stack[-2],
            gate="not asked",
            override=None,
            **_now(),
        )
        acts.keep(done.kind, done.before, done.after)
        return _append(models, file, done)


def read_promotions(models: Path) -> tuple[Promotion, ...]:
    """Reads the record of promotions, oldest first; empty if nothing was ever promoted.

    Raises:
        NotPromoted: if a line of it cannot be read.
    """
    path = models / PROMOTIONS
    if not path.exists():
        return ()
    found = []
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        # Who promotes next takes the torn line away: its promotion never came to be.
        if is_torn(line):
            continue
        try:
            found.append(Promotion(**json.loads(line)))
        except (ValueError, TypeError) as problem:
            raise NotPromoted(
                f"{path} line {number}: is not a promotion: {problem}; "
                "mend the line by hand, or move the file away and promote a version by name"
            ) from problem
    return tuple(found)


def is_torn(line: str) -> bool:
    """Tells whether a line was being written when the machine stopped: it has no end."""
    if not line or line.endswith("\n"):
        return False
    try:
        json.loads(line)
    except ValueError:
        return True
    return False


def torn_record(models: Path) -> str:
    """Gives the torn last line of the record, "" if it has none."""
    path = models / PROMOTIONS
    if not path.exists():
        return ""
    last = path.read_text(encoding="utf-8", errors="replace").rpartition("\n")[2]
    return last if is_torn(last) else ""


def _stack(promotions: Sequence[Promotion]) -> list[str]:
    """Lists the versions that were promoted and not rolled back, the present one last."""
    stack: list[str] = []
    for one in promotions:
        if one.kind == "rollback":
            stack = stack[:-1]
            continue
        # The record may begin when a version was served already.
        if not stack and one.before is not None:
            stack.append(one.before)
        if not stack or stack[-1] != one.after:
            stack.append(one.after)
    return stack


def _gate(folder: Path) -> str:
    """Tells what the gate said: "passed", or why it did not."""
    try:
        content: Any = json.loads((folder / GATE).read_text(encoding="utf-8"))
        passed, conditions = content["passed"], content["conditions"]
        failed = [str(one.get("name", one)) for one in conditions if one["passed"] is not True]
    except FileNotFoundError:
        return f"is missing ({GATE})"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
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
    if holds_national_id(override):
        raise NotPromoted(
            "override: looks like a national identity number; the record must not hold any"
        )


def _current(models: Path) -> str | None:
    return promoted_version(models) if (models / PROMOTED).exists() else None


def _now() -> dict[str, str]:
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": who(),
    }


@contextmanager
def _record(models: Path) -> Iterator[BinaryIO]:
    """Opens the record, to append by one at a time."""
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


def _append(models: Path, file: BinaryIO, promotion: Promotion) -> Promotion:
    """Writes the record, then the pointer.

    No promotion goes unrecorded, and one that fails leaves no line.

    Raises:
        OSError: if either cannot be written.
    """
    length = _mended(file)
    line = json.dumps(asdict(promotion), ensure_ascii=False).encode() + b"\n"
    try:
        # The pointer is renamed into place only after the line is on disk.
        with written_aside(models / PROMOTED, shared=True) as aside:
            aside.write_text(f"{promotion.after}\n", encoding="utf-8")
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        # Not renamed, so not promoted: the line would tell of what never was.
        file.truncate(length)
        raise
    return promotion
