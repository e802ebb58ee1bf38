"""Model versions on disk: verified before they are opened, refused with a reason.

models/<version>/tables.npz, manifest.json with the SHA-256 of every other file, golden.json if it
has golden cases, and manifest.sig if it is signed. Which versions answer is in `pointers`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from router.decision.catalogue import Catalogue
from router.decision.schema import FeatureSet, Role
from router.decision.tables import DecisionTables
from router.decision.unscored import for_mixes
from router.files.plain_files import check_archive, plain_bytes, plain_digest
from router.mendable import Mendable
from router.versions.golden import BYTES_AT_MOST as GOLDEN_BYTES_AT_MOST
from router.versions.golden import GOLDEN, Golden, read_golden
from router.versions.table_file import read_tables
from router.versions.trust import SIGNATURE, SIGNATURE_BYTES, TrustedKeys

# Format 1 knew no pairs of features; it is refused instead of read, and fitted anew (ADR 8).
FORMAT = 2
PROMOTED = "promoted"
MANIFEST = "manifest.json"
TABLES = "tables.npz"
FIGURES = "figures.json"
_VERSION = re.compile(r"[a-z0-9][a-z0-9.\-]{0,63}")
# Far above what any version needs: bounds on what a harmful folder can make the server read.
_BYTES_AT_MOST = 64 * 1024 * 1024
_MANIFEST_BYTES_AT_MOST = 1024 * 1024
_LISTED_BYTES_AT_MOST = 512 * 1024 * 1024
_LISTED_AT_MOST = 100
# Bounds on what is told of a version: it goes into metrics and messages.
_CASES_AT_MOST = 10**12
_YEARS = range(2000, 2201)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MESSAGE_AT_MOST = 500


class NameRefused(Mendable, ValueError):
    """A text cannot be the name of a version."""


class ModelRefused(Mendable):
    """A model version cannot be served; the message names the version and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What a manifest says of a model version.

    Attributes:
        version: its name.
        sha256: of its tables.
        trained_at: when.
        cases: it was learned from.
        synthetic: whether they were simulated.
        effects_vary: whether its report found evidence that what a mix is worth differs between
            cases; not where the manifest does not say.
        expires_at: from when on it should not be relied on any more; None if nobody says.
    """

    version: str
    sha256: str
    trained_at: datetime
    cases: int
    synthetic: bool
    effects_vary: bool = False
    expires_at: datetime | None = None

    def expiring(self, days: int | None) -> ModelInfo:
        """Gives the same, expiring at the latest so many days after it was trained."""
        if days is None:
            return self
        latest = self.trained_at + timedelta(days=days)
        return replace(self, expires_at=min(latest, self.expires_at or latest))

    def is_expired(self, now: datetime) -> bool:
        """Tells whether it has expired; it serves on all the same."""
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What a version advised for the cases of its evaluation, to compare live advice with.

    Attributes:
        mixes: share of each, by its id.
        outcome: estimated mean.
    """

    mixes: Mapping[str, float]
    outcome: float

    def shares(self, ids: Sequence[str]) -> list[float]:
        """Gives the shares of mixes; 0 for one that the version did not know."""
        return [self.mixes.get(mix, 0.0) for mix in ids]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A verified model version.

    Attributes:
        info: what its manifest says.
        tables: what it knows.
        evaluated: what it advised when it was evaluated; None where its figures are not there.
        golden: cases that it is held to; None if it has none.
    """

    info: ModelInfo
    tables: DecisionTables
    evaluated: Evaluated | None = None
    golden: Golden | None = None


def is_name(text: str) -> bool:
    """Tells whether a text can be the name of a version: it may become a path."""
    return bool(_VERSION.fullmatch(text))


def check_name(name: str) -> None:
    """Checks a version's name.

    Raises:
        NameRefused: if it is not lower-case letters, digits, dots and dashes, 1 to 64 characters.
    """
    if not _VERSION.fullmatch(name):
        permitted = "1 to 64 of a-z, 0-9, '.' and '-', starting with a letter or digit"
        raise NameRefused(f"version {name!r}: must be {permitted}")


def promoted_version(models: Path) -> str:
    """Reads the name of the promoted version.

    Raises:
        ModelRefused: if none is promoted or the name is not a version's.
    """
    path = models / PROMOTED
    try:
        version = plain_bytes(path, _MESSAGE_AT_MOST, links=True).decode().strip()
    except ValueError as problem:
        raise ModelRefused(f"{path}: no promoted version can be read: {problem}") from problem
    # The name becomes a path: "../" must not get that far.
    if not is_name(version):
        raise ModelRefused(f"{path}: {version[:64]!r} is not the name of a version")
    return version


def versions(models: Path) -> list[str]:
    """Gives the names of the versions in a models folder, sorted."""
    found = (path.parent.name for path in models.glob(f"*/{MANIFEST}"))
    return sorted(name for name in found if is_name(name))


def load_model(
    folder: Path,
    features: FeatureSet,
    catalogue: Catalogue,
    trusted: TrustedKeys | None = None,
    *,
    golden: bool = True,
) -> ModelVersion:
    """Verifies and loads a version. The bytes that were hashed are the bytes that are read.

    Args:
        folder: of the version.
        features: that it must be trained on.
        catalogue: whose mixes it must value.
        trusted: if given, one of these keys must have signed the manifest, and every file it lists
            must be unchanged.
        golden: whether it is held to its golden cases, if it has any.

    Raises:
        ModelRefused: if anything in it is missing, changed or does not fit features and mixes.
    """
    with _refusing(folder):
        manifest = _manifest(folder, trusted)
        info = _info(manifest)
        _check(
            manifest["format"] == FORMAT, f"manifest format {manifest['format']!r} is not {FORMAT}"
        )

        # A folder copied under another name would be signed, yet not what its name promises.
        _check(info.version == folder.name, f"manifest is of version {info.version!r}")
        _check(manifest["features"] == features.model_inputs, _difference(manifest, features))
        ids, valued = list(catalogue.ids), list(manifest["mixes"])
        _check(
            # More mixes than were valued are no fault: they are unscored until there are cases.
            [mix for mix in ids if mix in valued] == valued,
            f"it values the mixes {valued}, the catalogue has {ids}",
        )
        # Without a signature the manifest vouches for
        # nothing, and what is served is the tables alone.
        if trusted:
            _check_files(folder, manifest)

        data = plain_bytes(folder / TABLES, _BYTES_AT_MOST)
        found = hashlib.sha256(data).hexdigest()
        _check(
            found == info.sha256, f"{TABLES} has SHA-256 {found}, the manifest says {info.sha256}"
        )

        # The digest only says that nobody changed the file since: who wrote it may have meant harm.
        check_archive(data, TABLES)
        tables = for_mixes(_tables(data, features, len(valued)), valued, ids)
        held_to = _golden(folder, manifest, features) if golden else None
        if held_to is not None:
            held_to.check_values(tables, ids)
        evaluated = _evaluated(folder, manifest)
        return ModelVersion(info=info, tables=tables, evaluated=evaluated, golden=held_to)


def read_info(folder: Path, trusted: TrustedKeys | None = None) -> ModelInfo:
    """Reads what a version's manifest says; whether its files are so is not verified.

    Args:
        folder: of the version.
        trusted: if given, one of these keys must have signed the manifest.

    Raises:
        ModelRefused: if it cannot be read.
    """
    with _refusing(folder):
        return _info(_manifest(folder, trusted))


def stamp_of(folder: Path) -> tuple[object, ...]:
    """Gives what differs once a version's files are others: its manifest, and marks of the rest.

    Another content has another manifest, or is refused. Marks are those that a copy with the old
    times does not keep: which file it is, and when it last changed in any way.
    """
    try:
        manifest: object = plain_bytes(folder / MANIFEST, _MANIFEST_BYTES_AT_MOST)
    except ValueError as problem:
        manifest = str(problem)
    marks = []
    for name in (TABLES, GOLDEN, SIGNATURE):
        try:
            found = (folder / name).lstat()
        except OSError:
            marks.append((0, 0, 0, 0))
        else:
            marks.append((found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
    return (folder.name, folder.is_symlink(), manifest, *marks)


def read_listed(folder: Path) -> tuple[str, ...]:
    """Reads the names of the files that a version's manifest lists.

    Raises:
        ModelRefused: if it cannot be read.
    """
    with _refusing(folder):
        return tuple(_manifest(folder)["sha256"])


def check_files(folder: Path) -> None:
    """Checks that every file that a manifest lists is as the manifest says, if it is there.

    A version may be served without its report or estimators, but never with others.

    Raises:
        ModelRefused: naming the first file that was changed.
    """
    with _refusing(folder):
        _check_files(folder, _manifest(folder))


def _golden(folder: Path, manifest: dict[str, Any], features: FeatureSet) -> Golden | None:
    listed = manifest["sha256"].get(GOLDEN)
    if listed is None:
        # Not passed over: whoever put it there believes that the version is held to it.
        _check(
            not (folder / GOLDEN).exists(), f"{GOLDEN} is not in {MANIFEST}, which vouches for it"
        )
        return None
    data = plain_bytes(folder / GOLDEN, GOLDEN_BYTES_AT_MOST)
    found = hashlib.sha256(data).hexdigest()
    _check(found == listed, f"{GOLDEN} has SHA-256 {found}, the manifest says {listed}")
    return read_golden(data, features)


def _tables(data: bytes, features: FeatureSet, mixes: int) -> DecisionTables:
    try:
        return read_tables(data, features, mixes)
    except KeyError as problem:
        raise ValueError(f"{TABLES}: {problem.args[0]}") from problem


def read_figures_of(folder: Path) -> dict[str, Any] | None:
    """Reads what was measured of a version; None if there is nothing that its manifest vouches for.

    Raises:
        ModelRefused: if the manifest cannot be read.
    """
    with _refusing(folder):
        manifest = _manifest(folder)
    try:
        return _figures(folder, manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _figures(folder: Path, manifest: dict[str, Any]) -> dict[str, Any] | None:
    data = plain_bytes(folder / FIGURES, _MANIFEST_BYTES_AT_MOST)
    if hashlib.sha256(data).hexdigest() != manifest["sha256"][FIGURES]:
        return None
    found: dict[str, Any] = json.loads(data)
    return found


def _evaluated(folder: Path, manifest: dict[str, Any]) -> Evaluated | None:
    """Reads the figures beside the tables. They decide nothing: without them, nothing is told."""
    try:
        figures = _figures(folder, manifest)
        if figures is None:
            return None
        (candidate,) = (one for one in figures["policies"] if one["name"] == "candidate")
        mixes = {str(mix): float(share) for mix, share in candidate["mixes"].items()}
        return Evaluated(mixes=mixes, outcome=float(candidate["estimates"]["dr"]["value"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


@contextmanager
def _refusing(folder: Path) -> Iterator[None]:
    """Turns whatever bytes from outside make a library raise into a refusal.

    What is not understood is not served.

    Raises:
        ModelRefused: whatever was raised within.
    """
    try:
        yield
    except KeyError as problem:
        raise ModelRefused(f"{folder.name}: {MANIFEST} lacks {problem}") from problem
    except Exception as problem:
        text = str(problem) or type(problem).__name__
        raise ModelRefused(f"{folder.name}: {text[:_MESSAGE_AT_MOST]}") from problem


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)


def _manifest(folder: Path, trusted: TrustedKeys | None = None) -> dict[str, Any]:
    _check(not folder.is_symlink(), "the folder is a symbolic link")
    data = plain_bytes(folder / MANIFEST, _MANIFEST_BYTES_AT_MOST)
    if trusted:
        _check(
            (folder / SIGNATURE).exists(),
            f"is not signed: it has no {SIGNATURE}, and --trust asks for one",
        )
        signed = trusted.signed(data, plain_bytes(folder / SIGNATURE, SIGNATURE_BYTES))
        _check(
            signed,
            f"{SIGNATURE} is of no trusted key, or {MANIFEST} was changed after it was signed",
        )
    try:
        # Parsed only now: bytes that no trusted key signed do not reach the parser.
        manifest = json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"{MANIFEST}: {problem}") from problem

    if not isinstance(manifest, dict):
        raise TypeError(f"{MANIFEST} is not a JSON object")
    return manifest


def _check_files(folder: Path, manifest: dict[str, Any]) -> None:
    _check(len(manifest["sha256"]) <= _LISTED_AT_MOST, f"{MANIFEST} lists too many files")
    for name, expected in manifest["sha256"].items():
        _check(
            # A manifest must not make the server read outside of its folder.
            Path(name).name == name,
            f"{MANIFEST} lists {name!r}, which is not a file of the version",
        )
        path = folder / name
        if path.is_symlink() or path.exists():
            found = plain_digest(path, _LISTED_BYTES_AT_MOST)
            _check(found == expected, f"{name} has SHA-256 {found}, the manifest says {expected}")


def _info(manifest: dict[str, Any]) -> ModelInfo:
    trained_at = _moment(manifest, "trained_at")
    _check(isinstance(manifest["synthetic"], bool), "synthetic is not true or false")

    version, cases, sha256 = (
        manifest["version"],
        manifest["training"]["cases"],
        manifest["sha256"][TABLES],
    )
    _check(
        isinstance(version, str) and bool(_VERSION.fullmatch(version)),
        f"{version!r} is not the name of a version",
    )
    _check(
        isinstance(cases, int) and not isinstance(cases, bool) and 0 <= cases <= _CASES_AT_MOST,
        f"training.cases is {cases!r}, not a whole number from 0 to {_CASES_AT_MOST}",
    )
    _check(
        isinstance(sha256, str) and bool(_SHA256.fullmatch(sha256)),
        f"sha256 of {TABLES} is not 64 hexadecimal digits",
    )
    # Versions of before it was written down say nothing, and nothing is claimed for them.
    effects_vary = manifest.get("effects_vary", False)
    _check(isinstance(effects_vary, bool), "effects_vary is not true or false")
    return ModelInfo(
        version=version,
        sha256=sha256,
        trained_at=trained_at,
        cases=cases,
        synthetic=manifest["synthetic"],
        effects_vary=effects_vary,
        expires_at=_moment(manifest, "expires_at") if manifest.get("expires_at") else None,
    )


def _moment(manifest: dict[str, Any], key: str) -> datetime:
    told = manifest[key]
    try:
        moment = datetime.fromisoformat(told)
    except (TypeError, ValueError) as problem:
        raise ValueError(
            f"{key} is {str(told)[:64]!r}, not a moment as 2026-11-26T15:53:04+00:00"
        ) from problem
    # The age of the model is a metric, in seconds since an instant, not since a clock on some wall.
    _check(moment.tzinfo is not None, f"{key} has no time zone")
    _check(
        moment.year in _YEARS,
        f"{key} {moment.isoformat()} is not within {_YEARS[0]} to {_YEARS[-1]}",
    )
    return moment


def _difference(manifest: dict[str, Any], features: FeatureSet) -> str:
    trained = [feature["name"] for feature in manifest["features"]]
    served = [feature.name for feature in features.features if Role.MODEL in feature.roles]
    # Names differ in most cases, and tell more than two digests would.
    differing = sorted(set(trained) ^ set(served)) or ["bounds or values"]
    return f"it was trained on another feature set (differs in: {', '.join(differing)})"
