"""Pages of lists: sizes are coerced, and a token fits the list that gave it alone."""

from __future__ import annotations

import pytest

from router.serving.paging import next_token, page_size, position_of
from router.serving.status import InvalidRequest


@pytest.mark.parametrize(
    ("asked", "given"), [(0, 50), (1, 1), (200, 200), (201, 200), (2**31 - 1, 200)]
)
def test_a_page_has_50_or_what_is_asked_for_up_to_200(asked: int, given: int) -> None:
    assert page_size(asked) == given


def test_a_size_below_0_is_refused_with_what_is_permitted() -> None:
    with pytest.raises(InvalidRequest) as refused:
        page_size(-1)

    assert refused.value.problems[0].field == "page_size"
    assert refused.value.problems[0].description.startswith("-1 is below 0; 0 means 50")


@pytest.mark.parametrize("position", ["7", "baseline-2026-12", "blåbær", "🌲" * 64])
def test_a_token_says_where_the_next_page_begins(position: str) -> None:
    token = next_token("ListReviews", {"office_ref": "north"}, position)

    assert position_of("ListReviews", {"office_ref": "north"}, token) == position


def test_a_token_is_safe_in_an_address() -> None:
    tokens = [next_token("ListModels", {}, str(number)) for number in range(200)]

    assert all(token.replace("-", "").replace("_", "").isalnum() for token in tokens)


def test_no_token_is_the_first_page() -> None:
    assert position_of("ListReviews", {}, "") is None


@pytest.mark.parametrize(
    ("method", "filters"),
    [
        ("ListModels", {"office_ref": "north"}),
        ("ListReviews", {"office_ref": "south"}),
        ("ListReviews", {}),
        ("ListReviews", {"office_ref": "north", "case_ref": ""}),
        ("ListReviews", {"office_refn": "orth"}),
    ],
)
def test_a_token_of_another_list_is_refused(method: str, filters: dict[str, str]) -> None:
    token = next_token("ListReviews", {"office_ref": "north"}, "7")

    with pytest.raises(InvalidRequest) as refused:
        position_of(method, filters, token)

    assert refused.value.problems[0].field == "page_token"
    assert "leave it empty for the first page" in refused.value.problems[0].description


_GOOD = next_token("ListReviews", {}, "7")
_GARBAGE = (
    *("7", "x", "=", "====", "æøå", "\x00", "A" * 12, "A" * 16, "A" * 100_000, "_" * 100),
    *(_GOOD[:-1], f"{_GOOD}A", f"{_GOOD}=", f" {_GOOD}", f"{_GOOD}\n", _GOOD.swapcase()),
)


@pytest.mark.parametrize("token", _GARBAGE)
def test_garbage_is_refused(token: str) -> None:
    with pytest.raises(InvalidRequest):
        position_of("ListReviews", {}, token)
