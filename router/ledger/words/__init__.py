"""What the ledger's page says, in Bokmål, Nynorsk and English.

Numbers and dates are as each language writes them. A new text is a key in all three TOML files.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Any

from router.cases.features import FEATURES
from router.decision.schema import UNKNOWN
from router.ledger.arithmetic import Tier
from router.texts import LANGUAGES, Texts, load_texts

_HOUR = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of one language.

    Attributes:
        language: nb, nn or en.
        entries: by the keys of its TOML file.
        texts: the service's own, for the names of mixes, channels and values.
    """

    language: str
    entries: dict[str, Any]
    texts: Texts

    def __call__(self, key: str, **values: object) -> str:
        """Gives the text of a key, "section.key", with its places filled."""
        found: Any = self.entries
        for part in key.split("."):
            found = found[part]
        text: str = found
        # Without values nothing is filled in: such texts may hold braces.
        return text.format(**values) if values else text

    def number(self, value: float, digits: int = 0) -> str:
        """Writes a number as the language does, with a true minus sign.

        What rounds to zero has no sign.
        """
        text = f"{value:,.{digits}f}"
        # Python writes -0.4 as "-0", which reads as a loss of nothing.
        if not float(text.replace(",", "")):
            text = text.lstrip("-")
        # Mark by mark: one after the other, a comma made of a point would be made a blank again.
        marks = {",": self.entries["thousands"], ".": self.entries["decimal"], "-": "−"}
        return "".join(marks.get(mark, mark) for mark in text)

    def hours(self, minutes: float) -> str:
        """Writes minutes in whole hours, for a table whose heading says so."""
        return self.number(minutes / _HOUR)

    def in_hours(self, minutes: float) -> str:
        """Writes minutes in whole hours with their unit: 1 time, 2 timer."""
        return f"{self.hours(minutes)}\u00a0{self.hour_unit(minutes)}"

    def hour_unit(self, minutes: float) -> str:
        """Gives the unit in the form that the whole hours of so many minutes need."""
        return self("hours.one" if self.hours(minutes) in ("1", "−1") else "hours.other")

    def percent(self, part: float, whole: float = 1.0) -> str:
        """Writes a part of a whole in per cent; what rounds to nothing but is not says so."""
        share = 100 * part / whole if whole else 0.0
        if 0 < share < 0.5:
            return self("under", share=self("percent", share="1"))
        return self("percent", share=self.number(share))

    def date(self, day: date) -> str:
        """Writes a date."""
        return self("date", day=day.day, month=self.entries["months"][day.month - 1], year=day.year)

    def tier(self, name: str) -> str:
        """Names a tier."""
        return self(f"tier.{Tier[name].name}")

    def value(self, field: str, name: str) -> str:
        """Names a field's value."""
        if name == UNKNOWN:
            return self("unknown")
        return (
            # A journal may hold a value that the contract no longer knows: it then stands as it is.
            self.texts.value(FEATURES[field], FEATURES[field].slot(name))
            if name in FEATURES[field].values
            else name
        )


def load_words() -> dict[str, Words]:
    """Loads the words by language code: nb, nn, en."""
    folder, texts = resources.files(__name__), load_texts()
    return {
        language: Words(
            language=language,
            entries=tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8")),
            texts=texts[language],
        )
        for language in LANGUAGES
    }
