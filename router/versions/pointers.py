"""Which versions answer: the promoted one, and of some offices another, the canary.

models/promoted holds the promoted version's name on one line. models/canary, if it is there, holds
a version's name and then references of the offices whose cases it answers, each on a line.
`python -m training promote`, `rollback` and `canary` write them.
"""

from __future__ import annotations

from dataclasses import dataclass
from os.path import lexists
from pathlib import Path

from router.cases.features import OFFICE_REF, REFERENCES
from router.files.plain_files import plain_bytes
from router.versions.registry import ModelRefused, is_name, promoted_version

CANARY = "canary"
OFFICES_AT_MOST = 1_000
"""Offices of a canary."""
_BYTES_AT_MOST = 128 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A version that answers some offices' cases."""

    version: str
    offices: tuple[str, ...]

    def __str__(self) -> str:
        """Writes it as models/canary holds it."""
        return "\n".join([self.version, *self.offices, ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointers:
    """What the files say at one moment; equal files are equal.

    Attributes:
        promoted: the promoted version, "" if it cannot be read.
        promoted_problem: why not.
        canary: None if there is none, or it cannot be read.
        canary_problem: why not; "" if there is none.
    """

    promoted: str = ""
    promoted_problem: str = ""
    canary: Canary | None = None
    canary_problem: str = ""

    @classmethod
    def read(cls, models: Path) -> Pointers:
        """Reads both files."""
        promoted = promoted_problem = canary_problem = ""
        canary = None
        try:
            promoted = promoted_version(models)
        except ModelRefused as problem:
            promoted_problem = str(problem)
        try:
            canary = read_canary(models)
        except ModelRefused as problem:
            canary_problem = str(problem)
        return cls(
            promoted=promoted,
            promoted_problem=promoted_problem,
            canary=canary,
            canary_problem=canary_problem,
        )


def read_canary(models: Path) -> Canary | None:
    """Reads which version answers which offices beside the promoted one; None if there is none.

    Raises:
        ModelRefused: if the file says so in another way than it must.
    """
    path = models / CANARY
    if not lexists(path):
        # That a canary has ended is not to be concluded from a folder that is gone.
        if not models.is_dir():
            raise ModelRefused(f"{path}: no canary can be read: {models} is not a folder")
        return None
    try:
        version, *offices = plain_bytes(path, _BYTES_AT_MOST, links=True).decode().split()
    except ValueError as problem:  # also where it has no line
        raise ModelRefused(f"{path}: no canary can be read: {problem}") from problem
    if not is_name(version):
        raise ModelRefused(f"{path}: {version[:64]!r} is not the name of a version")
    if not 1 <= len(offices) <= OFFICES_AT_MOST:
        told = f"names {len(offices):,} offices; 1 to {OFFICES_AT_MOST:,} are permitted"
        raise ModelRefused(f"{path}: {told}")
    for number, office in enumerate(offices, 2):
        problem_of_ref = REFERENCES[OFFICE_REF].problem(office)
        if problem_of_ref:
            raise ModelRefused(f"{path}: line {number}: the office {problem_of_ref}")
    return Canary(version=version, offices=tuple(dict.fromkeys(offices)))


def version_for(models: Path, office_ref: str) -> str:
    """Gives the version that answers an office's cases; the promoted one's for "".

    Raises:
        ModelRefused: if it cannot be read.
    """
    canary = read_canary(models)
    if canary is not None and office_ref in canary.offices:
        return canary.version
    return promoted_version(models)
