"""What people read of advice, in Bokmål, Nynorsk and English: one TOML file a language.

Every value has a whole sentence of its own, for two readers: nothing is put into a sentence but a
number, a mix's name, and a phone number. All of it stands rendered in docs/texts/. A new text is a
key in all three files; a new section has a method of `Texts` too. What the ledger's page says is in
`router/ledger/words/`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from router.decision.schema import Feature
from router.texts.amounts import amount
from router.texts.letters import facts_first, said_once

LANGUAGES = ("nb", "nn", "en")
TOLD_FROM, CLEAR_FROM = 0.005, 0.02
"""From how many outcome points, as a share, a reason is told at all; and called clear."""
STRICTEST_FIRST = (
    "MANUAL_ONLY",
    "NO_DIGITAL_DEMAND",
    "MEETING",
    "REMOTE_TALK",
    "USABLE_CHANNELS",
    "PERSONAL_TALK",
    "ADVISER_DIALOGUE",
)
"""The requirements, in the order in which they are told."""
# What a requirement says all of, the strictest first: their facts stand under it.
_SAID_BY = {
    "MANUAL_ONLY": STRICTEST_FIRST[1:],
    "NO_DIGITAL_DEMAND": ("PERSONAL_TALK", "ADVISER_DIALOGUE"),
    "MEETING": ("PERSONAL_TALK", "ADVISER_DIALOGUE"),
    "REMOTE_TALK": ("PERSONAL_TALK", "ADVISER_DIALOGUE"),
    "PERSONAL_TALK": ("ADVISER_DIALOGUE",),
}
# How a rule is told that demands a contact only so as to be no milder than "unknown".
_TOLD_AS = {"CANNOT_USE_PHONE": "USABLE_CHANNELS"}
# A user reads one sentence in the place of so many unknown facts; an adviser asks about each.
_SEVERAL = 3
_UNKNOWN = "_UNKNOWN"
# Sentences hold words up to here, and digits above it; never both.
_WORDS_UP_TO = 12


class Reader(Enum):
    """Who reads a text."""

    USER = "user"
    ADVISER = "adviser"


class Contact(NamedTuple):
    """How and when people are reached, from the office's policy.

    Attributes:
        phone: "" if none is given.
        days: within which an adviser contacts the user; 1 or more.
    """

    phone: str
    days: int


class Planned(NamedTuple):
    """Contacts by one channel in the weeks of a mix.

    Attributes:
        channel: its name.
        number: of contacts, 1 or more.
        minutes: of an adviser, of each; self-service without any is the user's own work in the
            activity plan.
        first_week: in which the first is, 1 or later.
    """

    channel: str
    number: int
    minutes: int
    first_week: int

    @property
    def is_own(self) -> bool:
        """Whether it is the user's own work in the activity plan."""
        return self.channel == "SELF_SERVICE" and not self.minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts of one language, by the keys of its TOML file."""

    language: str
    entries: dict[str, Any]

    @property
    def test_line(self) -> str:
        """Tells first of all that a model trained on synthetic data advised."""
        text: str = self.entries["test_line"]
        return text

    def mix(self, mix_id: str) -> str:
        """Names a mix; by its id if an agency's own mix has no text yet."""
        # Agencies edit the catalogue, not the texts: a mix of their own must not stop an answer.
        text: str = self.entries["mix"].get(mix_id, mix_id)
        return text

    def channel(self, name: str) -> str:
        """Names a channel, as in a heading."""
        return self._entry("channel", name)

    def feature(self, name: str) -> str:
        """Labels a feature, with its unit."""
        return self._entry("feature", name)

    def status(self, name: str) -> str:
        """Names a status."""
        return self._entry("status", name)

    def value(self, feature: Feature, slot: int) -> str:
        """Labels a feature's value, for lists and tables; the feature's label has the unit."""
        value = feature.value(slot)
        if value is None:
            not_stated: str = self.entries["not_stated"]
            return not_stated
        if isinstance(value, int):
            is_or_more = feature.top_coded and value == feature.upper
            return self._entry("number", "or_more").format(n=value) if is_or_more else str(value)
        return self._entry("value", feature.name, value)

    def problem(self, key: str, **parts: str) -> str:
        """Tells what is wrong with what was sent."""
        text = self._entry("problem", key).format(**parts)
        return _with_capital(text)

    def plan(self, reader: Reader, contacts: Sequence[Planned], weeks: int) -> str:
        """Tells what happens next: what, how often, in which order, and when if it is once.

        Args:
            reader: the reader.
            contacts: of a mix, in the order in which they start, each channel once.
            weeks: of the mix.
        """
        # All numbers of a plan are of one kind, as they stand side by side.
        in_digits = max([weeks, *(one.number for one in contacts if not one.is_own)]) > _WORDS_UP_TO
        span = self._entry(reader.value, "plan", "span_one" if weeks == 1 else "span_other")
        span = span.format(n=self._number(weeks, in_digits=in_digits))

        found: list[str] = []
        for one in contacts:
            key = "OWN_PLAN" if one.is_own else one.channel
            text = self._entry(reader.value, "plan", key, "next" if found else "first")
            times = self._times(one.number, in_digits=in_digits)
            # In a single week there is no other to tell it from.
            if one.number == 1 and weeks > 1:
                times += self._when(one.first_week, in_digits=in_digits)
            found.append(text.format(span=span, times=times))
        return " ".join(found)

    def until(self, reader: Reader, doubts: Sequence[str], plan: str) -> str:
        """Tells what happens first where an adviser must assess a case, and the plan until then."""
        return " ".join([*doubts, self._entry(reader.value, "until_then"), plan])

    def arrangement(self, reader: Reader, safeguard: str, contact: Contact) -> str:
        """Tells what is arranged because of a safeguard, by whom and when; "" if nothing is."""
        texts = self.entries[reader.value]["arrangement"].get(safeguard)
        return self._counted(texts, contact.days) if texts else ""

    def basis(self, keys: Sequence[str]) -> str:
        """Names legal bases in a sentence, each once; for advisers."""
        named = [self._entry("legal", key, "text").split("; ") for key in keys]
        listed = "; ".join(dict.fromkeys(one for of_key in named for one in of_key))
        return self._entry(Reader.ADVISER.value, "basis").format(basis=listed)

    @property
    def expired(self) -> str:
        """Tells the adviser that the model is older than it should be."""
        return self._entry(Reader.ADVISER.value, "expired")

    def no_mix(self, reader: Reader, contact: Contact) -> str:
        """Tells what happens next where there is no advice."""
        return self._counted(self.entries[reader.value]["no_mix"], contact.days)

    def notice(
        self, reader: Reader, contact: Contact, *, digital: bool, mix: bool, manual: bool = False
    ) -> str:
        """Tells what the answer is, what made it, who decides, and how to object or reach a person.

        Args:
            reader: the reader.
            contact: how to reach the office.
            digital: whether the user can be asked to write in the dialogue.
            mix: whether there is advice.
            manual: whether people alone handle the case. Users read the same of all cases without
                advice: nothing may tell which one is shielded.
        """
        texts = self.entries[reader.value]["notice"]
        what = "advice" if mix else "no_advice"
        if reader is Reader.ADVISER and not (mix or manual):
            what = "withheld"

        way = "adviser"
        if digital:
            way = "dialogue_or_phone" if contact.phone else "dialogue"
        elif contact.phone:
            way = "phone"
        # A number that breaks over two lines is hard to call.
        reach = texts[way].format(phone=contact.phone.replace(" ", "\u00a0"))
        return " ".join([texts[what], texts["decides"], texts["wrong"], reach, texts["person"]])

    def doubt(self, reader: Reader, name: str, contact: Contact) -> str:
        """Tells why an adviser must assess a case first, and what happens then."""
        return self._counted(self.entries[reader.value]["doubt"][name], contact.days)

    def contradiction(self, reader: Reader, name: str) -> str:
        """Tells which facts do not fit together, without blame."""
        return self._entry(reader.value, "contradiction", name)

    def safeguard(self, reader: Reader, name: str) -> str:
        """Tells the fact that a safeguard is about, without what follows from it."""
        return self._entry(reader.value, "safeguard", name)

    def consequence(self, reader: Reader, requirement: str) -> str:
        """Tells what follows from a safeguard's requirement."""
        return self._entry(reader.value, "consequence", requirement)

    def rule(self, reader: Reader, name: str, requirement: str) -> str:
        """Tells the fact that a safeguard is about, and what follows from it."""
        [paragraph] = self.grouped(reader, [(name, requirement)])
        return " ".join(paragraph)

    def grouped(self, reader: Reader, rules: Sequence[tuple[str, str]]) -> list[list[str]]:
        """Tells facts and what follows from them, each once, the strictest first.

        Args:
            reader: the reader.
            rules: name and requirement of each safeguard that applies.

        Returns:
            Sentences of each paragraph.
        """
        left: dict[str, list[str]] = {}
        for name, requirement in rules:
            left.setdefault(_TOLD_AS.get(name, requirement), []).append(name)
        found = []
        for requirement in STRICTEST_FIRST:
            # Its own facts come first: what follows from them is what is said.
            own = left.pop(requirement, None)
            if own is None:
                continue
            for milder in _SAID_BY.get(requirement, ()):
                own += left.pop(milder, ())
            found.append([*self._facts(reader, own), self.consequence(reader, requirement)])
        return said_once(found)

    def _facts(self, reader: Reader, names: list[str]) -> list[str]:
        facts = {name: self.safeguard(reader, name) for name in names}
        unknown = [name for name in names if name.endswith(_UNKNOWN)]
        if reader is Reader.ADVISER or len(unknown) < _SEVERAL:
            return list(facts.values())
        known = [fact for name, fact in facts.items() if name not in unknown]
        return [*known, self._entry(reader.value, "several_unknown")]

    def legal(self, key: str) -> str:
        """Names a legal basis by itself; for advisers."""
        text = self._entry("legal", key, "text")
        # Some have their capital inside: eForvaltningsforskriften.
        return text if text[1].isupper() else _with_capital(text)

    def reason(
        self,
        reader: Reader,
        feature: Feature,
        slot: int,
        points: float,
        mix_id: str,
    ) -> str:
        """Tells a fact of the case, and how much better or worse a mix fits for it.

        Args:
            reader: the reader.
            feature: the field.
            slot: of its value, one that `is_told`.
            points: outcome points as a share, 0.012 for 1.2 percentage points.
            mix_id: the mix.

        Raises:
            ValueError: if the value is never told to that reader, or a user would read what speaks
                against a mix.
        """
        if reader is Reader.USER and points <= 0:
            raise ValueError(f"{feature.name}: what speaks against a mix is for the adviser only")
        size = "clearly" if abs(points) > CLEAR_FROM else "slightly"
        key = size if points > 0 else f"{size}_against"
        strength = self._entry(reader.value, "strength", key)
        strength = strength.format(mix=self.mix(mix_id))

        fact = self.fact(reader, feature, slot)
        if reader is Reader.ADVISER:
            # With the fact, not with what follows: several facts may end the same way.
            fact = f"{fact.removesuffix('.')} ({self._points(points)})."
        return f"{fact} {strength}"

    def fact(self, reader: Reader, feature: Feature, slot: int) -> str:
        """Tells a fact of the case.

        Raises:
            ValueError: if it is never told to that reader: see `is_told`.
        """
        if not self.is_told(reader, feature, slot):
            value_now = feature.value(slot)
            raise ValueError(f"{feature.name}: {value_now} is no reason for the {reader.value}")

        texts, value = self.entries[reader.value]["fact"][feature.name], feature.value(slot)
        if isinstance(value, str):
            text: str = texts[value]
            return text

        assert value is not None
        form, number, rounded = amount(feature, value)
        # Where a sentence has another number: both in digits.
        if form == "other" and number > _WORDS_UP_TO and "many" in texts:
            form = "many"
        told = self._number(number)
        if rounded:
            told = self._entry("number", "about").format(n=told)
        counted: str = texts[form].format(n=told, times=self._times(number))
        return counted

    def is_told(self, reader: Reader, feature: Feature, slot: int) -> bool:
        """Tells whether a value is ever given as a reason to that reader.

        Never what is unknown or was not asked; to the user, neither age, needs nor benefits.
        """
        texts, value = self.entries[reader.value]["fact"].get(feature.name), feature.value(slot)
        return bool(texts) and (isinstance(value, int) or value in texts)

    def general(self, reader: Reader, kind: str, points: float, mix_id: str, other_id: str) -> str:
        """Tells what decides besides the fields.

        Args:
            reader: the reader.
            kind: AVERAGE, MINUTES, WEIGHT, OTHER, or SAFEGUARD; to a user also MINUTES_OVER_EFFECT,
                where the other one might help more, and MINUTES_TOO, where this one helps more.
            points: for the mix, outcome points as a share; for the adviser, who reads the figure.
            mix_id: the mix.
            other_id: the one it is compared with.

        Raises:
            ValueError: if a user would read what speaks against a mix.
        """
        if reader is Reader.USER and points < 0:
            raise ValueError(f"{kind}: what speaks against a mix is for the adviser only")
        key = kind if points >= 0 else f"{kind}_against"
        return self._entry(reader.value, "general", key).format(
            mix=self.mix(mix_id), other=self.mix(other_id), points=self._points(points)
        )

    def compared(self, reader: Reader, other_id: str) -> str:
        """Tells with which mix reasons compare."""
        return self._entry(reader.value, "compared").format(other=self.mix(other_id))

    def near_equal(self, reader: Reader, mix_id: str, other_id: str) -> str:
        """Tells that another mix looks about as good."""
        text = self._entry(reader.value, "near_equal")
        return text.format(mix=self.mix(mix_id), other=self.mix(other_id))

    def rather(self, other_id: str) -> str:
        """Tells the user how to get the mix just compared with, which looks about as good."""
        return self._entry(Reader.USER.value, "rather").format(other=self.mix(other_id))

    def change(self, reader: Reader, feature_name: str, direction: str, mix_id: str) -> str:
        """Tells which mix would follow if the user changed something; see `change_keys`."""
        text = self._entry(reader.value, "change", feature_name, direction)
        return text.format(advice=self._entry("advice", "mix").format(mix=self.mix(mix_id)))

    def same_change(self, reader: Reader, feature_name: str, direction: str) -> str:
        """Tells that the mix just named would follow if the user changed something else."""
        text = self._entry(reader.value, "change", feature_name, direction)
        return text.format(advice=self._entry("advice", "same"))

    def change_keys(self) -> set[tuple[str, str]]:
        """Gives the changes that may be advised: a field, and MORE, LESS or a value of it."""
        changes = self.entries[Reader.USER.value]["change"]
        return {(field, direction) for field in changes for direction in changes[field]}

    def suitability(self, need: str, channel: str) -> str:
        """Tells why a channel does or does not suit a need."""
        return self._entry("suitability", need, channel)

    def letter(
        self,
        reader: Reader,
        *,
        plan: str,
        why: Sequence[Sequence[str]],
        doubts: Sequence[str],
        contradictions: Sequence[str],
        notice: str,
    ) -> str:
        """Puts all that a reader needs in order: what happens, doubts, why, what to do.

        Args:
            reader: the reader.
            plan: what happens next; where it begins with the test line, so does the letter.
            why: safeguards and reasons, the weightiest first, texts of each.
            doubts: why a person must assess first.
            contradictions: facts that contradict each other.
            notice: the notice.

        Returns:
            Paragraphs with an empty line between; no sentence stands twice.
        """
        first = [[self.test_line]] if plan.startswith(self.test_line) else []
        doubted = facts_first([one] for one in [*doubts, *contradictions])
        if contradictions and why:
            # What is told next may rest on the very facts of which nobody knows which is right.
            doubted.append([self._entry(reader.value, "as_it_stands")])
        paragraphs = said_once([*first, [plan], *doubted, *facts_first(why), [notice]])
        return "\n\n".join([" ".join(one) for one in paragraphs])

    def _entry(self, *path: str) -> str:
        found: Any = self.entries
        for key in path:
            found = found[key]
        text: str = found
        return text

    def _number(self, number: int, *, in_digits: bool = False) -> str:
        if in_digits or number > _WORDS_UP_TO:
            return str(number)
        word: str = self.entries["number"]["words"][number]
        return word

    def _times(self, number: int, *, in_digits: bool = False) -> str:
        key = {1: "once", 2: "times" if in_digits else "twice"}.get(number, "times")
        return self._entry("number", key).format(n=self._number(number, in_digits=in_digits))

    def _when(self, week: int, *, in_digits: bool) -> str:
        key = {1: "first_week", 2: "after_one"}.get(week, "after_other")
        return self._entry("when", key).format(n=self._number(week - 1, in_digits=in_digits))

    def _counted(self, texts: dict[str, str], number: int) -> str:
        return texts["one" if number == 1 else "other"].format(n=self._number(number))

    def _points(self, points: float) -> str:
        number = f"{100 * points:+.1f}".replace("-", "−")
        number = number.replace(".", self._entry("number", "decimal"))
        return self._entry("number", "points").format(n=number)


def _with_capital(text: str) -> str:
    # Not `capitalize`, which would lower what follows: names and abbreviations.
    return text[0].upper() + text[1:]


@cache
def load_texts() -> Mapping[str, Texts]:
    """Gives the texts, by language code: nb, nn, en. They come with the code and are read once."""
    # As a resource, not a path beside this file: so it is found however the package is installed.
    folder = resources.files(__name__)
    return {
        language: Texts(
            language=language,
            entries=tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8")),
        )
        for language in LANGUAGES
    }
