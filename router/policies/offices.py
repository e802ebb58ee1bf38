"""The national policy and those of offices, and what stands in for a file that cannot be used."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from router.cases.features import OFFICE_REF, REFERENCES
from router.decision.catalogue import Catalogue
from router.decision.policy import Policy
from router.files.aside import written_aside
from router.policies.policy_file import OfficeBounds, national_policy, office_policy
from router.policies.toml_file import PolicyError, TomlFile

NATIONAL = "national.toml"
MIXES = "mixes.toml"
_POLICY = re.compile(r"\.toml(\.txt)?$", re.IGNORECASE)
OFFICES = "offices"
OFFICES_AT_MOST = 2_000
"""Files of offices' policies; more are not read, and none of them is taken."""
SECONDS_AT_MOST = 30.0
"""Of one reading of offices' policies; those that are not read by then keep what they had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFiles:
    """What lies in a folder of policies at one moment, read once; equal contents are equal.

    Attributes:
        folder: that they lie in.
        catalogue: of mixes.
        national: the national policy.
        offices: in the order of their names; None if there is no folder for them.
        problem: why the offices' files cannot be read; "" if they can.
    """

    folder: Path
    catalogue: TomlFile
    national: TomlFile
    offices: tuple[TomlFile, ...] | None
    problem: str = ""

    @classmethod
    def read(cls, folder: Path) -> PolicyFiles:
        """Reads what is there; what cannot be read says why."""
        offices: tuple[TomlFile, ...] | None = None
        problem = ""
        try:
            # Also as some systems save them: passed over, the office would have the national one.
            found = [one for one in (folder / OFFICES).iterdir() if _POLICY.search(one.name)]
            if len(found) > OFFICES_AT_MOST:
                problem = f"has {len(found):,} files; at most {OFFICES_AT_MOST:,} are permitted"
            else:
                offices = tuple(map(TomlFile.read, sorted(found)))
        except FileNotFoundError:
            # A service without offices need not have the folder.
            problem = ""
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
        return cls(
            folder=folder,
            catalogue=TomlFile.read(folder / MIXES),
            national=TomlFile.read(folder / NATIONAL),
            offices=offices,
            problem=f"{folder / OFFICES}: {problem}" if problem else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The national policy and those of offices.

    Attributes:
        national: for everyone who has no other.
        bounds: of offices' policies.
        offices: by office reference.
        refused: by office reference, why its file cannot be used; `offices` then holds its last
            good policy, if any. A file whose name is no reference stands there by its place.
        problem: why the offices' files cannot be read at all; "" if they can. `offices` then holds
            what was good before.
        files: of offices whose policy is in force as its file is now.
    """

    national: Policy
    bounds: OfficeBounds
    offices: Mapping[str, Policy] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    files: Mapping[str, TomlFile] = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the offices' policies, by office; they follow from the content."""
        return {office: policy.version for office, policy in self.offices.items()}

    def without(self, unfit: Mapping[str, Policy | None]) -> Policies:
        """Gives the same with others in the place of offices' policies that fit nothing else.

        Args:
            unfit: by office, what stands instead; None for the national one.
        """
        stands = {office: policy for office, policy in unfit.items() if policy is not None}
        kept = {one: policy for one, policy in self.offices.items() if one not in unfit}
        return replace(
            self,
            offices=kept | stands,
            files={one: file for one, file in self.files.items() if one not in unfit},
        )

    def of(self, office_ref: str) -> Policy:
        """Gives the office's policy, the national one if it has none."""
        return self.offices.get(office_ref, self.national)

    def usable(self, office_ref: str) -> Policy:
        """Gives the office's policy as its file is now, the national one for "".

        Raises:
            PolicyError: if it is no reference, the office has none, or its file is refused.
        """
        if office_ref in self.refused:
            raise PolicyError(self.refused[office_ref])
        check_office(office_ref)
        if office_ref and office_ref not in self.offices:
            known = ", ".join(self.offices) or "none"
            raise PolicyError(f"office: {office_ref!r} has no policy; known are {known}")
        return self.of(office_ref)


def check_office(office_ref: str) -> None:
    """Checks what stands for an office: its reference, "" for none.

    Raises:
        PolicyError: if it is no good reference; the text is not repeated.
    """
    problem = REFERENCES[OFFICE_REF].problem(office_ref)
    if problem:
        raise PolicyError(f"office: {problem}")


def load_policy(path: Path, catalogue: Catalogue) -> Policy:
    """Reads and checks the national policy alone.

    Raises:
        PolicyError: if a value cannot be used, naming file, key, value and bound.
    """
    return national_policy(TomlFile.read(path), catalogue)[0]


def load_policies(
    folder: Path, catalogue: Catalogue, last_good: Policies | None = None, kept: Path | None = None
) -> Policies:
    """Reads the national policy and every office's, as `policies_of`.

    Raises:
        PolicyError: if the national policy cannot be used, naming file, key, value and bound.
    """
    files = PolicyFiles.read(folder)
    national = national_policy(files.national, catalogue)
    return policies_of(files, national, catalogue, last_good, kept)


def policies_of(
    files: PolicyFiles,
    national: tuple[Policy, OfficeBounds],
    catalogue: Catalogue,
    last_good: Policies | None = None,
    kept: Path | None = None,
) -> Policies:
    """Checks every office's policy beside the national one.

    An office's file that cannot be used does not stop the others: its last good policy stands, from
    `last_good` or from its copy in `kept`; the national one if there is neither.
    """
    policy, bounds = national
    found: dict[str, Policy] = {}
    refused: dict[str, str] = {}
    good: dict[str, TomlFile] = {}

    def stand_in(office: str) -> None:
        # What this process read last; after a restart it has
        # read nothing, and the copy on disk stands.
        stands = last_good.offices.get(office) if last_good else None
        if stands is None and kept is not None:
            copy = TomlFile.read(kept / f"{office}.toml")
            stands = _good_once(copy, policy, bounds, catalogue)
        if stands is not None:
            found[office] = stands

    until = time.monotonic() + SECONDS_AT_MOST
    for number, file in enumerate(files.offices or (), 1):
        office = file.path.stem
        problem = REFERENCES[OFFICE_REF].problem(office)
        if file.path.suffix != ".toml":
            problem = "must end with .toml, in small letters"
        if problem:
            # Keys are told in logs and metrics, so this one names the file by its place.
            refused[f"(file {number})"] = (
                f"{files.folder / OFFICES}: file {number} in the order of names: its name {problem}"
            )
            continue
        if time.monotonic() > until:
            told = f"was not read: all offices together took {SECONDS_AT_MOST:g} s"
            refused[office] = f"{file.path}: {told}"
            stand_in(office)
            continue
        try:
            found[office] = office_policy(file, policy, bounds, catalogue)
            good[office] = file
        except PolicyError as unusable:
            refused[office] = str(unusable)
            stand_in(office)

    told = files.problem
    if files.offices is None:
        had = sorted({*(last_good.offices if last_good else ()), *_copies(kept)})
        for office in had:
            stand_in(office)
        if had and not told:
            told = f"{files.folder / OFFICES}: is missing; an empty folder is for no offices"
    return Policies(
        national=policy, bounds=bounds, offices=found, refused=refused, problem=told, files=good
    )


def keep_good(policies: Policies, kept: Path) -> None:
    """Copies the files of offices' policies in force, each written aside and renamed.

    Raises:
        OSError: if a copy cannot be written.
    """
    kept.mkdir(parents=True, exist_ok=True)
    # What stands in is an older file, and not among these: the one
    # that lies there now is bad and must not replace it.
    for office, file in policies.files.items():
        target = kept / f"{office}.toml"
        # Reloads are many and changes few: a copy that is there already costs no write.
        if TomlFile.read(target).content == file.content:
            continue
        with written_aside(target, shared=True) as aside:
            aside.write_bytes(file.content)


def _copies(kept: Path | None) -> list[str]:
    """Lists the offices of which there is a copy."""
    try:
        found = list(kept.iterdir()) if kept is not None else []
    except OSError:
        # What is no folder, or cannot be read, holds none.
        return []
    return [
        path.stem
        for path in found
        if path.suffix == ".toml" and not REFERENCES[OFFICE_REF].problem(path.stem)
    ]


def _good_once(
    file: TomlFile, national: Policy, bounds: OfficeBounds, catalogue: Catalogue
) -> Policy | None:
    """Reads a copy that was good once, if there is one and it is within the bounds of today."""
    try:
        return office_policy(file, national, bounds, catalogue)
    except PolicyError:
        return None
