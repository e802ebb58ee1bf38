"""The service answers 25 invented situations as a good adviser expects: docs/personas.toml."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from docs.personas import (
    PAGE,
    Answer,
    Persona,
    Service,
    never_said,
    page,
    personas,
    the_promoted,
)
from router.decision.decision import NO_MIX, Doubt, Status
from router.texts import LANGUAGES, Reader
from tests.builders import a_catalogue, a_model, random_tables

PERSONAS = personas()
each_persona = pytest.mark.parametrize("persona", PERSONAS, ids=lambda one: one.title)


def a_version_that_favours(mix: int) -> Service:
    """Gives a service of a version to which a mix is best for all, and all else is chance."""
    tables = random_tables(mix, effect=0.01)
    intercept = np.full_like(tables.intercept, 0.3)
    intercept[mix] = 0.9
    return Service(a_model(replace(tables, intercept=intercept)))


@cache
def services() -> tuple[Service, list[Service]]:
    """Gives the promoted version, and one for each mix.

    What is expected may not rest on the figures of a version: with these, all that is permitted is
    advised.
    """
    others = [a_version_that_favours(mix) for mix in range(len(a_catalogue().mixes))]
    return Service(the_promoted()), others


@cache
def answers(title: str) -> tuple[Answer, list[Answer]]:
    """Answers a persona: by the promoted version, and by each of the others."""
    (persona,) = (one for one in PERSONAS if one.title == title)
    promoted, others = services()
    return promoted.answer(persona.case), [one.answer(persona.case) for one in others]


def unmet(persona: Persona, answer: Answer) -> set[str]:
    """Gives what is expected and not met, as `says interpreter`."""
    return {*unmet_in_decision(persona, answer), *unmet_in_texts(persona, answer)}


def unmet_in_decision(persona: Persona, answer: Answer) -> Iterator[str]:
    expect, decision = persona.expect, answer.decision
    channels = {mix: {one.channel for one in contacts} for mix, contacts in answer.contacts.items()}

    # That few cases were alike follows from the data of a version, and not from the case.
    doubts = {one.name for one in Doubt if decision.doubts & one} - {Doubt.RARE_VALUES.name}
    manual = decision.status == Status.MANUAL_ONLY
    if expect.looks_first not in {None, manual or bool(doubts)}:
        yield f"looks_first {expect.looks_first}"
    if expect.manual != manual or expect.manual != (decision.mix == NO_MIX):
        yield f"manual {expect.manual}"
    yield from (f"doubts {one}" for one in expect.doubts if one not in doubts)

    told = {
        field for one in answer.messages["en", Reader.USER].contradictions for field in one.fields
    }
    yield from (f"contradictions {one}" for one in expect.contradictions if one not in told)

    if expect.holds and not all(one & {*expect.holds} for one in channels.values()):
        yield f"holds {' or '.join(expect.holds)}"
    used = set().union(*channels.values())
    yield from (f"never {one}" for one in expect.never if one in used)
    yield from (f"permits {one}" for one in expect.permits if one not in channels)

    minutes = (
        sum(one.number * one.minutes for one in contacts) for contacts in answer.contacts.values()
    )
    if expect.at_most_minutes is not None and min(minutes) > expect.at_most_minutes:
        yield f"at_most_minutes {expect.at_most_minutes}"


def unmet_in_texts(persona: Persona, answer: Answer) -> Iterator[str]:
    expect = persona.expect
    user, adviser = (answer.text("en", reader) for reader in (Reader.USER, Reader.ADVISER))
    yield from (f"says {one}" for one in expect.says if not re.search(one, user))
    yield from (f"adviser_says {one}" for one in expect.adviser_says if not re.search(one, adviser))
    forbidden = (*expect.never_says, never_said())
    yield from (f"never_says {one}" for one in forbidden if re.search(one, user, re.IGNORECASE))

    reasons = {one.feature for one in answer.messages["en", Reader.USER].reasons}
    yield from (f"never_reasons {one}" for one in expect.never_reasons if one in reasons)


def test_there_are_as_many_personas_as_the_page_is_known_for() -> None:
    assert len({one.title for one in PERSONAS}) == 25


@each_persona
def test_all_that_is_permitted_is_advised_by_some_version(persona: Persona) -> None:
    promoted, others = answers(persona.title)
    advised = {one.messages["en", Reader.USER].mix.id for one in others}
    assert advised - {""} == set(promoted.contacts)


@each_persona
def test_rules_and_texts_ensure_what_a_good_adviser_expects(persona: Persona) -> None:
    promoted, others = answers(persona.title)
    found = set().union(*(unmet(persona, answer) for answer in (promoted, *others)))
    # What is mended must be taken out of `gap`, so that it stays mended.
    assert found == set(persona.gap)


@each_persona
@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_reads_the_same_sentence_twice(language: str, persona: Persona) -> None:
    promoted, _ = answers(persona.title)
    for reader in Reader:
        text = promoted.text(language, reader)
        sentences = re.split(r"(?<=[.?!])\s+", text)
        assert len(sentences) == len(set(sentences))


def test_the_page_is_as_the_service_answers() -> None:
    # `python -m docs.personas` writes it.
    assert PAGE.read_text("utf-8") == page()
