"""References: which are good, and that messages, Arrow and polars refuse the same ones."""

import base64
import random
import uuid
from collections.abc import Callable

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.references import DISGUISES, TYPICAL, disguised, drawn_uuid
from router.cases.features import CASE_REF, REFERENCES
from router.cases.references import TextRule, printable

CASE = REFERENCES[CASE_REF]
CATEGORY = printable("a category", 64)
NUMBER = "15507600333"
DRAWN = 20_000


@pytest.mark.parametrize(
    "text",
    [
        *("c-1", "SAK-2026-0012345", "2026/12345-7", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        *("-V1StGXR8_Z5jdHi6B-myT", "_x", "Tromsø", "Guovdageaidnu-Šđ", "NAV Grünerløkka 2"),
        *("urn:uuid:b50fac9e-9c0c-4212-8384-884e4c8e21d5", "12345678", "202600012345"),
        base64.b32encode(b"sixteen bytes ok").decode(),
        "x" * 64,
    ],
)
def test_a_good_reference_has_no_problem(text: str) -> None:
    assert not CASE.problem(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x" * 65, "has more than 64 characters"),
        *(
            (text, "control characters")
            for text in ("a\tb", "a\n", "a\x00b", "a\u200bb", "a\u202eb")
        ),
        *((text, "control characters") for text in ("a\xa0b", "a\ue000b", "a\ufeff")),
        *(
            (text, "a character that is not permitted")
            for text in ("=1+1", "+47", "@x", " a", "a ")
        ),
        *(
            (text, "a character that is not permitted")
            for text in ("a|b", '"a"', "<b>", "a–b", "٣")
        ),
        *((text, "a character that is not permitted") for text in ("e\u0301", "Ωx", "{b50fac9e}")),
        *((text, "looks like a national identity number") for text in (NUMBER, f"sak-{NUMBER}-x")),
    ],
    ids=ascii,
)
def test_a_bad_reference_is_told_with_the_way_out_and_not_repeated(text: str, says: str) -> None:
    problem = CASE.problem(text)
    assert says in problem
    assert problem.endswith("use a random UUID")
    assert NUMBER not in problem


def in_arrow(rule: TextRule, texts: list[str]) -> list[bool]:
    column = pa.array(texts, pa.string())
    too_long = pc.greater(pc.utf8_length(column), rule.longest)
    unsure: list[bool] = pc.or_(pc.match_substring_regex(column, rule.unsure), too_long).to_pylist()
    return unsure


def in_polars(rule: TextRule, texts: list[str]) -> list[bool]:
    column = pl.Series(texts, dtype=pl.String)
    unsure = column.str.contains(rule.unsure) | (column.str.len_chars() > rule.longest)
    found: list[bool] = unsure.to_list()
    return found


def refused(
    rule: TextRule, texts: list[str], unsure: Callable[[TextRule, list[str]], list[bool]]
) -> list[bool]:
    """Says which texts a reader of files refuses: the bad ones of those it looks at."""
    looked_at = unsure(rule, texts)
    places = np.flatnonzero(np.array(looked_at, np.bool_))
    found = rule.problems([texts[place] for place in places], places, len(texts))
    bad = np.zeros(len(texts), np.bool_)
    for rows in found.values():
        bad |= rows
    answer: list[bool] = bad.tolist()
    return answer


TEXTS = st.one_of(
    st.text(max_size=70),
    st.text(st.sampled_from("0123456789-. ø–٣x\t"), max_size=30),
    st.builds(lambda seed: disguised(random.Random(seed)), st.integers()),
)


@pytest.mark.parametrize("rule", [CASE, CATEGORY], ids=lambda rule: rule.what)
@settings(deadline=None)  # Arrow and polars start their threads in the first example
@given(texts=st.lists(TEXTS, max_size=20))
def test_files_refuse_exactly_what_messages_do(rule: TextRule, texts: list[str]) -> None:
    in_messages = [bool(rule.problem(text)) for text in texts]
    assert refused(rule, texts, in_arrow) == in_messages
    assert refused(rule, texts, in_polars) == in_messages


@pytest.mark.parametrize("version", [4, 7])
def test_of_many_uuids_none_is_refused(version: int) -> None:
    draw = random.Random(version)
    for _ in range(DRAWN):
        one = drawn_uuid(draw, version)
        assert one.version == version
        assert not CASE.problem(str(one))
        assert not CASE.problem(one.hex.upper())


@pytest.mark.parametrize("digits", ["1550760-0333", "15507600333", "010170-12345"])
def test_a_uuid_passes_though_it_has_the_digits_of_a_number(digits: str) -> None:
    packed = digits.replace("-", "")
    assert not CASE.problem(str(uuid.UUID(f"c{packed}a9c0c42128384f".ljust(32, "e")[:32])))


@pytest.mark.parametrize("kind", TYPICAL)
def test_of_typical_references_few_are_refused(kind: str) -> None:
    draw, most = random.Random(13), TYPICAL[kind].most_per_million / 1e6
    texts = [TYPICAL[kind].one(draw) for _ in range(DRAWN)]
    found = [CASE.problem(text) for text in texts]
    assert sum(map(bool, found)) <= max(3, 1.5 * most * DRAWN)
    # It is never for its characters.
    assert all("identity number" in problem for problem in found if problem)


def test_of_many_disguised_numbers_none_passes() -> None:
    draw = random.Random(13)
    texts = [disguised(draw) for _ in range(DRAWN)]
    for text in texts:
        assert CASE.problem(text), ascii(text)
        assert CATEGORY.problem(text), ascii(text)
    assert len(set(texts)) > DRAWN // 2
    assert len(DISGUISES) > 5
