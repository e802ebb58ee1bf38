"""Draws are even, stay as they are, and cannot be foretold without the key."""

import numpy as np
import pytest

from router.decision.draws import DrawKeyMissing, Draws

DRAWS = Draws(b"a key of sixteen")
REFS = [f"case-{number}" for number in range(4_000)]


def test_draws_are_even_and_follow_from_their_parts() -> None:
    drawn = [DRAWS.number("disclosure", ref) for ref in REFS]
    assert drawn == [DRAWS.number("disclosure", ref) for ref in REFS]
    shares = np.histogram(drawn, bins=10, range=(0, 1))[0] / len(REFS)
    assert np.abs(shares - 0.1).max() < 0.02
    assert DRAWS.number("a", "c", "bc", "d") != DRAWS.number("a", "c", "b", "cd")


def test_another_key_draws_other_cases() -> None:
    other = Draws(b"another key of 16")
    both = np.array([[draws.number("x", ref) for ref in REFS] for draws in (DRAWS, other)])
    assert abs(np.corrcoef(both)[0, 1]) < 0.05


@pytest.mark.parametrize(
    "written",
    ["case-0001 ", " CASE-0001", "Case_0001", "case 0001", "case\u00a00001", "case0001"],
)
def test_a_reference_draws_alike_however_it_is_written(written: str) -> None:
    assert DRAWS.number("x", written) == DRAWS.number("x", "case-0001")


def test_a_uuid_draws_alike_with_and_without_dashes_and_as_a_urn() -> None:
    ref = "B50FAC9E-9C0C-4212-8384-884e4c8e21d5"
    assert DRAWS.number("x", ref) == DRAWS.number("x", ref.replace("-", "").lower())
    assert DRAWS.number("x", ref) == DRAWS.number("x", f"urn:uuid:{ref}")


def test_nothing_is_drawn_without_a_key_and_a_key_is_not_shown() -> None:
    with pytest.raises(DrawKeyMissing, match=r"disclosure: .* give --draw-key FILE"):
        Draws().number("disclosure", "case-1")
    assert "sixteen" not in repr(DRAWS)
