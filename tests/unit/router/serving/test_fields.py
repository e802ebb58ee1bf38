"""Texts in feedback: what is no id, mix or day is refused without telling a number back."""

from collections.abc import Callable

import pytest

from router.serving.fields import Fields
from router.serving.status import InvalidRequest

READ: dict[str, Callable[[Fields, str], object]] = {
    "id": lambda fields, text: fields.identity("request_id", text),
    "mix": lambda fields, text: fields.mix("mix_id", text, ["SELF_SERVICE"]),
    "day": lambda fields, text: fields.day("observed_on", text),
}


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("text", ["15507600333", "155076\u201300333", "sak-15507600333" + "x" * 40])
def test_a_number_in_the_place_of_another_text_is_not_told_back(kind: str, text: str) -> None:
    fields = Fields()
    READ[kind](fields, text)
    with pytest.raises(InvalidRequest) as refused:
        fields.finish()
    (problem,) = refused.value.problems
    assert "is not" in problem.description
    assert "155076" not in problem.description
    assert "00333" not in problem.description


def test_a_mix_that_is_mistyped_is_told_back() -> None:
    fields = Fields()
    fields.mix("mix_id", "SELFSERVICE", ["SELF_SERVICE"])
    with pytest.raises(InvalidRequest) as refused:
        fields.finish()
    assert "'SELFSERVICE' is not one of" in refused.value.problems[0].description
