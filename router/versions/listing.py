"""Lists the versions in a models folder: each as serving would judge it, and judged once.

It reads files, so nobody calls it on an event loop.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import NamedTuple

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.versions.registry import (
    ModelInfo,
    ModelRefused,
    load_model,
    read_info,
    stamp_of,
    versions,
)
from router.versions.trust import TrustedKeys


class Listed(NamedTuple):
    """A version in the folder.

    Attributes:
        version: its name.
        info: what its manifest says; None if that cannot be read, or nobody vouches for it.
        refusal: why it cannot be served; "" if it can.
    """

    version: str
    info: ModelInfo | None
    refusal: str = ""


class Listing:
    """Judges versions, and remembers its judgement for as long as their files are the same."""

    def __init__(
        self, models: Path, trusted: TrustedKeys | None = None, expires_days: int | None = None
    ) -> None:
        """Takes what does not change.

        Args:
            models: folder of the versions.
            trusted: whose versions are served; everybody's if None.
            expires_days: after so many days a version expires, as for serving.
        """
        self._models = models
        self._trusted = trusted
        self._expires_days = expires_days
        self._infos: dict[str, tuple[object, ModelInfo | None]] = {}
        self._judged: dict[str, tuple[object, Listed]] = {}
        self._one_lists = Lock()

    def infos(self) -> dict[str, ModelInfo | None]:
        """Gives what every manifest says, by version; None if it cannot be read."""
        with self._one_lists:
            names = versions(self._models)
            for kept in (self._infos, self._judged):
                for gone in kept.keys() - set(names):
                    del kept[gone]
            return {name: self._info(name) for name in names}

    def judged(self, version: str, catalogue: Catalogue) -> Listed:
        """Judges one version as serving under this catalogue would."""
        with self._one_lists:
            state = (stamp_of(self._models / version), catalogue.ids)
            kept = self._judged.get(version)
            if kept is None or kept[0] != state:
                kept = self._judged[version] = (state, self._judge(version, catalogue))
            return kept[1]

    def _info(self, version: str) -> ModelInfo | None:
        stamp = stamp_of(self._models / version)
        kept = self._infos.get(version)
        if kept is None or kept[0] != stamp:
            kept = self._infos[version] = (stamp, self._read(version))
        return kept[1]

    def _read(self, version: str) -> ModelInfo | None:
        try:
            # What no trusted key signed is not repeated, as if it were so.
            info = read_info(self._models / version, self._trusted)
        except ModelRefused:
            return None
        return info.expiring(self._expires_days)

    def _judge(self, version: str, catalogue: Catalogue) -> Listed:
        try:
            model = load_model(self._models / version, FEATURES, catalogue, self._trusted)
        except ModelRefused as refusal:
            # Unverified, but better than a name alone; the refusal stands beside it.
            return Listed(version, self._info(version), str(refusal))
        return Listed(version, model.info.expiring(self._expires_days))
