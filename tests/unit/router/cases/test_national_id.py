"""National identity numbers are recognised in every form in which people write them."""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cases.national_id import (
    SUSPECT,
    hold_national_ids,
    holds_national_id,
    is_national_id,
)

FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def numbers(day: int, month: int, remainder: int = 0) -> str:
    """Makes a number of the synthetic series with valid digits, the first's remainder as given."""
    for serial in range(500, 999):
        nine = f"{day:02}{month:02}70{serial}"
        for tenth in range(10):
            ten = f"{nine}{tenth}"
            if sum(w * int(d) for w, d in zip(FIRST, ten, strict=True)) % 11 != remainder:
                continue
            last = -sum(w * int(d) for w, d in zip(SECOND, ten, strict=True)) % 11
            if last < 10:
                return f"{ten}{last}"
    raise AssertionError("no number found")


KINDS = {
    "synthetic": numbers(1, 81),
    "synthetic D": numbers(41, 81),
    "agency's test": numbers(1, 66),
    "H": numbers(1, 41),
    "2032 rule": numbers(1, 81, remainder=3),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "sak {}",
        "x{}y",
        "{0[0]}{0[1]} {0[2]}{0[3]} {0[4]}{0[5]} {0[6]}{0[7]}{0[8]}{0[9]}{0[10]}",
        "ref-{}",
        "2024 {}",
        "{0[0]}{0[1]}.{0[2]}{0[3]}.{0[4]}{0[5]}-{0[6]}{0[7]}{0[8]}{0[9]}{0[10]}",
    ],
)
def test_every_kind_is_found_in_every_form(kind: str, form: str) -> None:
    assert holds_national_id(form.format(KINDS[kind]))


def test_full_width_digits_are_digits() -> None:
    assert holds_national_id("".join(chr(ord("０") + int(d)) for d in KINDS["synthetic"]))


def test_eleven_digits_alone_are_refused_even_mistyped() -> None:
    wrong = KINDS["synthetic"][:-1] + str((int(KINDS["synthetic"][-1]) + 1) % 10)
    assert not is_national_id(wrong)
    assert holds_national_id(f" {wrong} ")
    assert not holds_national_id(f"case {wrong} of many")


@given(st.uuids())
def test_random_references_pass(reference: object) -> None:
    assert not holds_national_id(f"c{reference}".replace("-", "")[:10])


@pytest.mark.parametrize("text", ["", "c-1", "1234567890", "123456789012", "2026-11-24", "a" * 64])
def test_other_texts_pass(text: str) -> None:
    assert not holds_national_id(text)


DISGUISES = [
    "{0[0]}{0[1]}\x0b{0[2]}{0[3]}\x1c{0[4]}{0[5]}\t{0[6]}{0[7]}{0[8]}\r{0[9]}{0[10]}",
    "{0[0]}_{0[1]}/{0[2]}-{0[3]}.{0[4]} {0[5]}{0[6]}{0[7]}{0[8]}{0[9]}{0[10]}",
    "ref {0[0]}{0[1]}{0[2]}{0[3]}{0[4]}{0[5]}\xa0{0[6]}{0[7]}{0[8]}{0[9]}{0[10]}",
]


def disguised(digits: str) -> list[str]:
    """Hides a number as people do: odd blanks, and digits that are not ASCII's."""
    hidden = [form.format(digits) for form in DISGUISES]
    for zero in ("０", "٠", "𝟎"):
        hidden.append("".join(chr(ord(zero) + int(digit)) for digit in digits))
    return hidden


@pytest.mark.parametrize("text", disguised(KINDS["synthetic"]), ids=ascii)
def test_arrow_polars_and_messages_find_the_same_disguises(text: str) -> None:
    assert holds_national_id(text)
    assert pc.match_substring_regex(pa.array([text]), SUSPECT).to_pylist() == [True]
    assert pl.Series([text]).str.contains(SUSPECT).to_list() == [True]


def test_a_short_text_whose_characters_stand_for_two_digits_each_is_found() -> None:
    # Circled numbers 10 to 20 are one character each.
    assert holds_national_id("⑩⑩⑩⑩⑩1")


def test_of_a_column_only_suspects_are_looked_at_and_the_rows_told() -> None:
    number = KINDS["synthetic"]
    suspects = np.array([False, True, True, False])
    assert hold_national_ids(["c-é", number], suspects).tolist() == [False, False, True, False]
