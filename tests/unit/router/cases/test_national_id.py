"""National identity numbers are recognised in every form in which people write them."""

import unicodedata
from uuid import UUID

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.cases.national_id import (
    SUSPECT,
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


def mistyped(number: str) -> str:
    return number[:-1] + str((int(number[-1]) + 1) % 10)


@pytest.mark.parametrize("form", [" {} ", "case {} of many", "sak-{}-x", "NO{}"])
def test_eleven_digits_with_a_day_are_refused_even_mistyped(form: str) -> None:
    wrong = mistyped(KINDS["synthetic"])
    assert not is_national_id(wrong)
    assert holds_national_id(form.format(wrong))


@pytest.mark.parametrize("text", ["20260012345", "2026-0012345", "SAK-2026-0012345", "10000000001"])
def test_eleven_digits_without_a_day_or_month_pass(text: str) -> None:
    assert not holds_national_id(text)


def test_in_a_hash_control_digits_decide() -> None:
    valid = KINDS["synthetic"]
    assert holds_national_id(f"fe{valid}a0")
    assert not holds_national_id(f"fe{mistyped(valid)}a0")


@pytest.mark.parametrize("form", ["{}-001", "2026/{}", "47 {} 12", "000{}", "0000000{}"])
def test_a_number_among_other_digits_is_found_where_a_group_begins_and_ends(form: str) -> None:
    assert holds_national_id(form.format(KINDS["synthetic"]))
    assert holds_national_id(form.format("-".join(KINDS["synthetic"])))


def written(uuid: UUID) -> list[str]:
    return [str(uuid), uuid.hex, str(uuid).upper(), uuid.hex.upper(), uuid.urn, f"c-{uuid}"]


@given(st.uuids())
def test_a_uuid_passes_in_every_form(uuid: UUID) -> None:
    assert not any(map(holds_national_id, written(uuid)))


@pytest.mark.parametrize(
    "uuid",
    [
        "b50fac9e-9c0c-4212-8384-884e4c8e21d5",
        "a1018170-5000-4a12-8384-884e4c8e21d5",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "00000000-0000-4000-8000-000000000001",
    ],
)
def test_also_one_with_digits_as_those_of_a_number(uuid: str) -> None:
    assert not any(map(holds_national_id, written(UUID(uuid))))


@pytest.mark.parametrize("hidden", ["{:0>32}", "{:a>32}", "{:f<32}", "0{:e<31}", "eeeee{:0>27}"])
def test_a_number_filled_up_to_a_uuid_is_found(hidden: str) -> None:
    uuid = UUID(hidden.format(KINDS["synthetic"]))
    assert holds_national_id(str(uuid))
    assert holds_national_id(uuid.hex)


@pytest.mark.parametrize("text", ["", "c-1", "1234567890", "123456789012", "2026-11-24", "a" * 64])
def test_other_texts_pass(text: str) -> None:
    assert not holds_national_id(text)


SEPARATORS = (
    *"-\u00ad\u2010\u2011\u2012\u2013\u2014\u2212\u2e3a\ufe58\uff0d",
    *":;'+*|\\(),./_&%#\"~=\u2022",
    *" \t\r\x0b\x1c\x00\xa0\u2009\u202f\u3000\u200b\u200d\u2060\ufeff\u0301\u20e3\ufe0f",
    *"\u3164\u1160\u30fc\u01c0\u02d0øß",
)
ZEROS = "0０٠۰०𝟎𝟘𝟬🯰"
# Digits one by one, 0 to 9, that do not follow each other or are no decimal digits.
SCRIPTS = ("⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉", "⓪①②③④⑤⑥⑦⑧⑨", "⓿❶❷❸❹❺❻❼❽❾", "〇一二三四五六七八九")


@pytest.mark.parametrize("separator", SEPARATORS, ids=ascii)
def test_whatever_stands_between_the_digits(separator: str) -> None:
    number = KINDS["synthetic"]
    assert holds_national_id(f"{number[:6]}{separator}{number[6:]}")
    assert holds_national_id(separator.join(number))
    assert holds_national_id(f"sak-{number[:2]}{separator * 3}{number[2:]}x")


@pytest.mark.parametrize(
    "digits",
    [*SCRIPTS, *("".join(chr(ord(zero) + digit) for digit in range(10)) for zero in ZEROS)],
    ids=ascii,
)
def test_digits_of_every_script_are_digits(digits: str) -> None:
    number = "".join(digits[int(digit)] for digit in KINDS["synthetic"])
    assert holds_national_id(number)
    assert holds_national_id(f"sak-{number}")


def test_a_short_text_whose_characters_stand_for_two_digits_each_is_found() -> None:
    # Circled numbers 10 to 20 are one character each.
    assert holds_national_id("⑩⑩⑩⑩⑩1")


def test_letters_that_arrow_and_polars_need_not_look_at_closely_are_no_digits() -> None:
    for code in range(ord("À"), ord("ɏ") + 1):
        assert chr(code).isalpha() or chr(code) in "×÷"
        assert not any(one.isnumeric() for one in unicodedata.normalize("NFKD", chr(code)))


PIECES = st.one_of(
    st.sampled_from([*KINDS.values(), *SEPARATORS, *"0123456789", *"aføxÅ", "⑩", "½", "㋀", "٣"]),
    st.characters(exclude_categories=["Cs"]),
)


@settings(deadline=None)  # Arrow and polars start their threads in the first example
@given(st.lists(st.lists(PIECES, max_size=24).map("".join), max_size=20))
def test_arrow_and_polars_let_no_text_by_in_which_a_number_is_found(texts: list[str]) -> None:
    held = [holds_national_id(text) for text in texts]
    for suspects in (
        pc.match_substring_regex(pa.array(texts, pa.string()), SUSPECT).to_pylist(),
        pl.Series(texts, dtype=pl.String).str.contains(SUSPECT).to_list(),
    ):
        assert all(suspect or not found for suspect, found in zip(suspects, held, strict=True))
