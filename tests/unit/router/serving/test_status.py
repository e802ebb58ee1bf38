"""Errors stay small, whatever they tell of: every client can read them."""

import base64
import urllib.parse
from collections.abc import Sequence

import grpc
import pytest
from google.rpc import error_details_pb2
from hypothesis import given
from hypothesis import strategies as st

from router.cases.features import FEATURES
from router.cases.problems import FieldProblem
from router.planning.allocate import BudgetTooSmall
from router.serving.messages import case_error
from router.serving.small_details import MESSAGE_AT_MOST, STATUS_AT_MOST, TRAILERS_AT_MOST, cut
from router.serving.status import (
    InvalidRequest,
    NothingFound,
    Precluded,
    Stands,
    status_of,
    trailers,
)
from router.texts import load_texts
from tests.unit.router.serving.service_builder import violations

TEXTS = load_texts()
# Of HTTP/2's own count for each header, beside name and value.
ENTRY = 32
# Four bytes, in a message twelve.
WIDE = "🌲" * 5_000


def on_the_wire(error: Exception) -> int:
    """Gives the bytes of the two trailers, as they travel."""
    code, message, details = status_of(error)
    coded = urllib.parse.quote(message, safe=" !\"#$&'()*+,/:;<=>?@[\\]^`{|}~")
    assert len(coded) <= MESSAGE_AT_MOST
    size = len("grpc-message") + len(coded) + ENTRY
    for name, value in trailers(code, message, details):
        size += len(name) + len(base64.b64encode(value)) + ENTRY
    return size


def problems(count: int, text: str = "") -> list[FieldProblem]:
    return [
        FieldProblem(
            index=n,
            field=f"cases[{n}].{FEATURES.names[n % len(FEATURES.names)]}",
            description=f"{n} is outside the permitted values{text}",
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("language", [None, *TEXTS])
@pytest.mark.parametrize("text", ["", "x" * 10_000, WIDE, "%" * 10_000, "\n" * 10_000])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 50, 2_000])
def test_problems_of_any_number_and_length_fit_into_the_trailers(
    count: int, text: str, language: str | None
) -> None:
    texts = None if language is None else TEXTS[language]
    assert on_the_wire(InvalidRequest(problems(count, text), texts)) < TRAILERS_AT_MOST


@given(st.lists(st.tuples(st.text(max_size=300), st.text(max_size=3_000)), min_size=1, max_size=60))
def test_no_text_at_all_breaks_the_trailers(found: Sequence[tuple[str, str]]) -> None:
    them = [FieldProblem(index=0, field=field, description=told) for field, told in found]
    assert on_the_wire(InvalidRequest(them, TEXTS["nb"])) < TRAILERS_AT_MOST


@pytest.mark.parametrize(
    "error",
    [
        NothingFound(WIDE),
        Precluded("WHY", WIDE),
        Stands("WHY", WIDE, dict.fromkeys(("record_id", "kind", "mix", "recorded_at"), WIDE)),
        BudgetTooSmall(1e300, 2e300),
        RuntimeError(WIDE),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_other_error_fits_too(error: Exception) -> None:
    assert on_the_wire(error) < TRAILERS_AT_MOST


def test_what_does_not_fit_is_counted() -> None:
    code, message, _ = status_of(InvalidRequest(problems(2_000)))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert message.startswith("cases[0].shielded: 0 is outside the permitted values; cases[1]")
    assert message.endswith("; and 1,997 more")

    told = violations(case_error(InvalidRequest(problems(2_000))))
    *shown, last = told.items()
    assert len(shown) > 20
    assert last == (
        problems(2_000)[len(shown)].field,
        f"and {2_000 - len(shown):,} more problems, from here on",
    )


def test_what_fits_is_told_whole() -> None:
    told = violations(case_error(InvalidRequest(problems(5))))
    assert told == {one.field: one.description for one in problems(5)}


def test_a_case_of_many_has_an_error_so_small_that_a_thousand_of_them_are_one_answer() -> None:
    worst = case_error(InvalidRequest(problems(43, WIDE), TEXTS["nn"]))
    assert worst.ByteSize() <= STATUS_AT_MOST
    assert worst.ByteSize() * 1_000 < 4 << 20


@pytest.mark.parametrize("at_most", range(3, 40))
def test_a_cut_is_between_characters_and_says_so(at_most: int) -> None:
    found = cut("æ€🌲a" * 4, at_most)
    assert len(found.encode()) <= at_most
    assert found == "æ€🌲a" * 4 or found.endswith("...")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nb", "Uker som registrert arbeidssøker: Oppgi et helt tall fra 0 til 520 eller mer."),
        (
            "nn",
            "Veker som registrert arbeidssøkjar: Oppgi eit heilt tal frå 0 til 520 eller meir.",
        ),
        ("en", "Weeks as a registered job seeker: Give a whole number, 0 to 520 or more."),
    ],
)
def test_each_problem_is_told_to_people_in_their_language(language: str, words: str) -> None:
    one = [FieldProblem(index=0, field="case.weeks_registered", description="-1 is outside")]
    (bad,) = status_of(InvalidRequest(one, TEXTS[language]))[2]
    assert isinstance(bad, error_details_pb2.BadRequest)
    (violation,) = bad.field_violations
    assert violation.description == "-1 is outside"
    assert violation.localized_message.locale == language
    assert violation.localized_message.message == words


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("feature", FEATURES.names)
def test_every_field_has_its_words_in_every_language(language: str, feature: str) -> None:
    one = [FieldProblem(index=3, field=f"cases[3].{feature}", description="x")]
    (bad,) = status_of(InvalidRequest(one, TEXTS[language]))[2]
    assert isinstance(bad, error_details_pb2.BadRequest)
    text = bad.field_violations[0].localized_message.message
    assert text.endswith(".")
    assert text[0].isupper() or text[0].isdigit()
    assert "{" not in text
