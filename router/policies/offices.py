"""The national policy and those of offices, and what stands in for a file that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from router.cases.features import OFFICE_REF, REFERENCES
from router.decision.catalogue import Catalogue
from router.decision.policy import Policy
from router.files.aside import written_aside
from router.policies.policy_file import (
    OfficeBounds,
    content_digest,
    load_national_policy,
    load_office_policy,
)
from router.policies.toml_file import PolicyError

NATIONAL = "national.toml"
OFFICES = "offices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The national policy and those of offices.

    Attributes:
        national: for everyone who has no other.
        bounds: of offices' policies.
        offices: by office reference.
        refused: by office reference, why its file cannot be used; `offices` then holds its last
            good policy, if any. A file whose name is no reference stands there by its place.
    """

    national: Policy
    bounds: OfficeBounds
    offices: Mapping[str, Policy] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

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
    return load_national_policy(path, catalogue)[0]


def load_policies(
    folder: Path, catalogue: Catalogue, last_good: Policies | None = None, kept: Path | None = None
) -> Policies:
    """Reads the national policy and every office's.

    An office's file that cannot be used does not stop the others: its last good policy stands, from
    `last_good` or from its copy in `kept`; the national one if there is neither.

    Raises:
        PolicyError: if the national policy cannot be used, naming file, key, value and bound.
    """
    national, bounds = load_national_policy(folder / NATIONAL, catalogue)
    found: dict[str, Policy] = {}
    refused: dict[str, str] = {}
    for number, path in enumerate(sorted((folder / OFFICES).glob("*.toml")), 1):
        problem = REFERENCES[OFFICE_REF].problem(path.stem)
        if problem:
            # Keys are told in logs and metrics, so this one names the file by its place.
            refused[f"(file {number})"] = (
                f"{folder / OFFICES}: file {number} in the order of names: its name {problem}"
            )
            continue
        try:
            found[path.stem] = load_office_policy(path, national, bounds, catalogue)
        except PolicyError as problem:
            refused[path.stem] = str(problem)
            # What this process read last; after a restart it
            # has read nothing, and the copy on disk stands.
            stands = last_good.offices.get(path.stem) if last_good else None
            if stands is None and kept is not None:
                stands = _copy(kept / path.name, national, bounds, catalogue)
            if stands is not None:
                found[path.stem] = stands
    return Policies(national=national, bounds=bounds, offices=found, refused=refused)


def keep_good(policies: Policies, folder: Path, kept: Path) -> None:
    """Copies the files of offices' policies in force, each written aside and renamed.

    A file that has changed since it was read is left for the next reload.

    Raises:
        OSError: if a copy cannot be written.
    """
    kept.mkdir(parents=True, exist_ok=True)
    for office, policy in policies.offices.items():
        # What stands in is an older file: the one that lies
        # there now is bad and must not replace it.
        if office in policies.refused:
            continue
        content = (folder / OFFICES / f"{office}.toml").read_bytes()
        # Versions end with the digest of the bytes that
        # were checked: only those are known to be good.
        if not policy.version.endswith(content_digest(content)):
            continue
        target = kept / f"{office}.toml"
        # Reloads are many and changes few: a copy that is there already costs no write.
        if target.exists() and target.read_bytes() == content:
            continue
        with written_aside(target, shared=True) as aside:
            aside.write_bytes(content)


def _copy(
    path: Path, national: Policy, bounds: OfficeBounds, catalogue: Catalogue
) -> Policy | None:
    """Reads a copy that was good once, if there is one and it is within the bounds of today."""
    try:
        return load_office_policy(path, national, bounds, catalogue)
    except PolicyError:
        return None
