"""Writes docs/personas.md, invented situations and what is answered: `python -m docs.personas`.

Situations and what a good adviser expects of each are data, docs/personas.toml;
tests/unit/test_personas.py holds the answers to them.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from router.advice.recommender import Recommender
from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decision import Decision, Status
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from router.serving.messages import contacts_of
from router.serving.requests import View
from router.serving.routing.recommendation import RecommendationWriter
from router.texts import LANGUAGES, Planned, Reader, Texts, load_texts
from router.v1 import recommendation_pb2
from router.versions.registry import ModelVersion, load_model, promoted_version

PAGE = Path(__file__).with_suffix(".md")
_TEMPLATE = Path(__file__).with_suffix(".md.j2")
_DATA = Path(__file__).with_suffix(".toml")
_ROOT = Path(__file__).parent.parent
# As the case's field writes what is not known; TOML has no word for it.
_UNKNOWN = "unknown"
_AGREED, _NOT_JUDGED = "yes", "–"

Case = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a good adviser expects, as far as it can be checked; patterns are of English texts.

    Attributes:
        looks_first: whether an adviser must look first, for another reason than that few cases were
            alike, which follows from the data of a version; None if either will do.
        manual: whether people alone handle the case.
        doubts: which must be told.
        contradictions: fields that must be told to contradict each other.
        holds: channels; every permitted mix has a contact by one of them.
        never: channels by which no permitted mix has a contact.
        permits: mixes that must be permitted.
        at_most_minutes: of an adviser, 1 or more; a permitted mix takes no more.
        says: patterns, each in the user's text.
        adviser_says: patterns, each in the adviser's text.
        never_says: patterns, none in the user's text.
        never_reasons: fields that are no reason to the user.
    """

    looks_first: bool | None = None
    manual: bool = False
    doubts: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    permits: tuple[str, ...] = ()
    at_most_minutes: int | None = None
    says: tuple[str, ...] = ()
    adviser_says: tuple[str, ...] = ()
    never_says: tuple[str, ...] = ()
    never_reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """An invented situation.

    Attributes:
        title: in a few words.
        situation: in words.
        suits: which kinds of contact suit, in words.
        never: what must never be advised or said, in words.
        first: whether a person must look first, in words.
        expect: what can be checked of it.
        case: all values of the case by field; None where unknown.
        differs: what of it is not as in the plain case, for people.
        is_plain: whether all else is as in the plain case; unknown if not.
        would_choose: mixes that a good adviser would choose among; none if the catalogue has none,
            None if the question comes before any mix.
        remark: what cannot be checked and is not ensured, in words; "" if nothing.
        gap: by what is expected and not sure to be met, as `says interpreter`: how, in words.
    """

    title: str
    situation: str
    suits: str
    never: str
    first: str
    expect: Expectation
    case: Case
    differs: Case
    is_plain: bool
    would_choose: tuple[str, ...] | None = None
    remark: str = ""
    gap: Mapping[str, str] = field(default_factory=dict)

    @property
    def not_ensured(self) -> list[str]:
        """All that is expected and not ensured, in words."""
        return [*self.gap.values(), *filter(None, [self.remark])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the service answers.

    Attributes:
        decision: the decision.
        contacts: of each permitted mix by its id.
        messages: the answer by language and reader.
    """

    decision: Decision
    contacts: Mapping[str, list[Planned]]
    messages: Mapping[tuple[str, Reader], recommendation_pb2.Recommendation]

    def text(self, language: str, reader: Reader) -> str:
        """Gives all that a reader reads."""
        return self.messages[language, reader].text


class Service:
    """Answers as the server does under the national policy, with one version."""

    def __init__(self, model: ModelVersion) -> None:
        catalogue = load_catalogue(_ROOT / "policies/mixes.toml")
        policy = load_policies(_ROOT / "policies", catalogue).usable("")
        self.version = model.info.version
        self._decider = Decider(tables=model.tables, catalogue=catalogue, policy=policy)
        self._recommender = Recommender(model, self._decider)
        self._writer = RecommendationWriter(self._recommender, load_texts())

    def answer(self, case: Case) -> Answer:
        """Answers a case, to both readers in every language."""
        row = FEATURES.row(**case).tolist()
        advice, _ = self._recommender.decide([row], ["persona"])
        kinds = [(language, reader) for language in LANGUAGES for reader in Reader]
        messages = {kind: recommendation_pb2.Recommendation() for kind in kinds}
        self._writer.write(
            advice * len(kinds),
            [View(language, full=True, reader=reader) for language, reader in kinds],
            list(messages.values()),
        )

        decision = advice[0].decision
        unusable = self._decider.safeguards.unusable(decision.safeguards)
        contacts = {
            mix.id: contacts_of(mix, unusable)
            for number, mix in enumerate(self._decider.catalogue.mixes)
            if decision.permits(number)
        }
        return Answer(decision=decision, contacts=contacts, messages=messages)


def the_promoted() -> ModelVersion:
    """Gives the version that the project ships and serves."""
    models, catalogue = _ROOT / "models", load_catalogue(_ROOT / "policies/mixes.toml")
    return load_model(models / promoted_version(models), FEATURES, catalogue)


def _read() -> dict[str, Any]:
    return tomllib.loads(_DATA.read_text("utf-8"))


def never_said() -> str:
    """Gives the pattern of what no user's text may say, in English."""
    pattern: str = _read()["never_said"]
    return pattern


def personas() -> list[Persona]:
    """Gives all personas, in the order of the page."""
    data = _read()
    return [_persona(one, data["plain"]) for one in data["persona"]]


def _persona(one: dict[str, Any], plain: dict[str, Any]) -> Persona:
    expected: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in one["expect"].items()
    }
    # Of some nothing is known but what is said.
    is_plain = one.get("plain", True)
    whole = (plain if is_plain else {}) | one["case"]
    return Persona(
        **{name: one[name].strip() for name in ("title", "situation", "suits", "never", "first")},
        expect=Expectation(**expected),
        case={name: None if value == _UNKNOWN else value for name, value in whole.items()},
        differs=one["case"],
        is_plain=is_plain,
        would_choose=tuple(one["would_choose"]) if "would_choose" in one else None,
        remark=one.get("remark", "").strip(),
        gap={gap["claim"]: gap["how"] for gap in one.get("gap", ())},
    )


def page() -> str:
    """Gives the page, with what the promoted version answers."""
    service, words = Service(the_promoted()), load_texts()["en"]
    answered = [(one, service.answer(one.case)) for one in personas()]
    chosen = [_chosen(*one) for one in answered]
    template = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(_TEMPLATE.read_text("utf-8"))
    rendered: str = template.render(
        version=service.version,
        plain=_read()["plain"],
        personas=answered,
        judged=sum(one != _NOT_JUDGED for one in chosen),
        agreed=chosen.count(_AGREED),
        chosen=_chosen,
        status=lambda answer: words.status(Status(answer.decision.status).name),
        advised=_advised,
        minutes=lambda answer: answer.messages["en", Reader.USER].mix.adviser_minutes,
        contacts=lambda answer: _contacts(answer, words),
        name=words.mix,
        names=lambda mixes: "; ".join(words.mix(mix) for mix in mixes),
        differs=lambda one: ", ".join(f"{name} {value}" for name, value in one.differs.items()),
        said=lambda answer, language, reader: _quoted(answer.text(language, Reader(reader))),
    )
    return rendered.rstrip() + "\n"


def _advised(answer: Answer) -> str:
    return answer.messages["en", Reader.USER].mix.id


def _chosen(persona: Persona, answer: Answer) -> str:
    if persona.would_choose is None:
        return _NOT_JUDGED
    return _AGREED if _advised(answer) in persona.would_choose else "no"


def _contacts(answer: Answer, words: Texts) -> str:
    """Tells the contacts that take an adviser's time."""
    return ", ".join(
        f"{number} × {words.channel(channel)} of {minutes} minutes"
        for channel, number, minutes, _ in answer.contacts[_advised(answer)]
        if minutes
    )


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m docs.personas", description=__doc__).parse_args()
    PAGE.write_text(page(), encoding="utf-8")
