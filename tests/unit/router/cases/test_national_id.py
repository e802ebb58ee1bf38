"""National identity numbers are recognised in every form in which people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cases.national_id import holds_national_id, is_national_id

FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def numbers(day: int, month: int, remainder: int = 0) -> str:
    """A number of the synthetic series with valid check digits; `remainder` is that of the first, 0 to 3."""
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
