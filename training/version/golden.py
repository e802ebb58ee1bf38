"""Gives a version golden cases, which the server holds it to before it is swapped in."""

from __future__ import annotations

import json
from pathlib import Path

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.decide import Decider
from router.decision.policy import Policy
from router.files.aside import made_alike, written_aside
from router.files.plain_files import plain_bytes
from router.mendable import Mendable
from router.versions.golden import CASES, GOLDEN, golden_bytes
from router.versions.registry import MANIFEST, check_files, load_model
from router.versions.trust import SIGNATURE
from training.version.artefact import digests, write_text
from training.version.signing import check_key, sign

_MANIFEST_BYTES_AT_MOST = 1024 * 1024


class NotGolden(Mendable, ValueError):
    """The version's golden cases stay as they are; the message says why."""


def add_golden(folder: Path, catalogue: Catalogue, policy: Policy, key: Path | None = None) -> int:
    """Writes golden.json, or writes it anew, and lists it in the manifest.

    What the version answers now, under this catalogue and policy, is what it is held to.

    Args:
        folder: of a version.
        catalogue: of mixes.
        policy: the national one.
        key: file of the Ed25519 private key, where the version is signed.

    Returns:
        The number of cases.

    Raises:
        NotGolden: if the version is signed and no key is given.
        KeyRefused: if the key is no private Ed25519 key.
        ModelRefused: if the version cannot be served, or a file of it was changed.
    """
    signed = (folder / SIGNATURE).exists()
    if signed and key is None:
        told = f"another {MANIFEST} needs another signature; give the key with --sign"
        raise NotGolden(f"{folder.name}: is signed: {told}")
    if key is not None:
        check_key(key)
    check_files(folder)
    manifest = json.loads(plain_bytes(folder / MANIFEST, _MANIFEST_BYTES_AT_MOST))
    # Held to what it answers by its tables alone, not to what it was held to before.
    model = load_model(folder, FEATURES, catalogue, golden=False)
    decider = Decider(tables=model.tables, catalogue=catalogue, policy=policy)

    # Two files cannot be changed at once: between them a server refuses the version, and what it
    # serves stands. The manifest goes last, for it vouches for the other.
    with written_aside(folder / GOLDEN) as aside:
        aside.write_bytes(golden_bytes(decider))
        # Whoever reads the one reads the other.
        made_alike(aside, folder / MANIFEST)
    listed = dict(manifest["sha256"]) | {GOLDEN: digests(folder)[GOLDEN]}
    with written_aside(folder / MANIFEST) as aside:
        write_text(aside, json.dumps(manifest | {"sha256": listed}, indent=2) + "\n")
        made_alike(aside, folder / MANIFEST)
    if key is not None:
        sign(folder, key)
    return CASES
