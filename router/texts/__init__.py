"""What people read of advice, in Bokmål, Nynorsk and English: one TOML file a language.

A new text is a key in all three files; a new section has a method of `Texts` too. What the ledger's
page says is in `router/ledger/words/`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from router.decision.schema import Feature

LANGUAGES = ("nb", "nn", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts of one language, by the keys of its TOML file."""

    language: str
    entries: dict[str, Any]

    @property
    def notice(self) -> str:
        """The fixed line: this is advice, not a formal decision."""
        text: str = self.entries["notice"]
        return text

    def _entry(self, section: str, key: str) -> str:
        text: str = self.entries[section][key]
        return text

    def mix(self, mix_id: str) -> str:
        """Names a mix; by its id if an agency's own mix has no text yet."""
        # Agencies edit the catalogue, not the texts: a mix of their own must not stop an answer.
        text: str = self.entries["mix"].get(mix_id, mix_id)
        return text

    def safeguard(self, name: str) -> str:
        """Tells what a safeguard says."""
        return self._entry("safeguard", name)

    def feature(self, name: str) -> str:
        """Labels a feature."""
        return self._entry("feature", name)

    def doubt(self, name: str) -> str:
        """Tells why a person must assess a case."""
        return self._entry("doubt", name)

    def status(self, name: str) -> str:
        """Names a status."""
        return self._entry("status", name)

    def channel(self, name: str) -> str:
        """Names a channel."""
        return self._entry("channel", name)

    def problem(self, key: str, **parts: str) -> str:
        """Tells what is wrong with what was sent."""
        return _sentence(self._entry("problem", key).format(**parts))

    def value(self, feature: Feature, slot: int) -> str:
        """Labels a feature's value; "unknown" for slot 0."""
        value = feature.value(slot)
        if value is None:
            return self._entry("phrase", "unknown")
        if isinstance(value, int):
            amount = f"{value} {self._entry('unit', feature.unit)}"
            if feature.top_coded and value == feature.upper:
                return self._entry("phrase", "or_more").format(amount=amount)
            return amount
        text: str = self.entries["value"][feature.name][value]
        return text

    def reason(
        self, feature: Feature, slot: int, mix_id: str, other_id: str, *, speaks_for: bool
    ) -> str:
        """Tells why a mix rather than another."""
        phrase = self._entry("phrase", "reason_for" if speaks_for else "reason_against")
        return _sentence(
            phrase.format(
                feature=self.feature(feature.name),
                value=self.value(feature, slot),
                mix=self.mix(mix_id),
                other=self.mix(other_id),
            )
        )

    def change(self, feature: Feature, slot_now: int, slot_then: int, mix_id: str) -> str:
        """Tells what would change the advice."""
        return _sentence(
            self._entry("phrase", "change").format(
                feature=self.feature(feature.name),
                now=self.value(feature, slot_now),
                value=self.value(feature, slot_then),
                mix=self.mix(mix_id),
            )
        )


def _sentence(text: str) -> str:
    # Not `capitalize`, which would lower what follows: names and abbreviations.
    return text[0].upper() + text[1:]


def load_texts() -> dict[str, Texts]:
    """Reads the texts, by language code: nb, nn, en."""
    # As a resource, not a path beside this file: so it is found however the package is installed.
    folder = resources.files(__name__)
    return {
        language: Texts(
            language=language,
            entries=tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8")),
        )
        for language in LANGUAGES
    }
