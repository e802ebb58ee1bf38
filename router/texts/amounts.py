"""How a number is said in a sentence: in which form, and in which unit.

A sentence with a number has a text for each form. Long times are told in months or years.
"""

from __future__ import annotations

from typing import NamedTuple

from router.decision.schema import Feature

# From how many on a time is told in a larger unit, and how many make one; the largest first.
_LARGER: dict[str, tuple[tuple[int, str, float], ...]] = {
    "months": ((24, "years", 12.0),),
    "weeks": ((104, "years", 52.0), (26, "months", 52 / 12)),
    "days": ((720, "years", 360.0), (60, "months", 30.0)),
}


class Amount(NamedTuple):
    """A number as a sentence has it.

    Attributes:
        form: of the sentence: none, one, other, months, years; top for the highest value; few where
            there are fewer than one; a level's own number.
        number: in the unit of that form.
        rounded: whether it is not exact.
    """

    form: str
    number: int
    rounded: bool = False


def amount(feature: Feature, value: int) -> Amount:
    """Tells how a value of a number field is said."""
    if feature.unit == "level":
        return Amount(str(value), value)

    if feature.unit == "persons per 100 vacancies":
        found = _per_vacancy(value)
    else:
        found = _counted(value, feature.unit)
    return Amount("top", found.number) if value == feature.upper else found


def _counted(value: int, unit: str) -> Amount:
    for least, form, size in _LARGER.get(unit, ()):
        if value >= least:
            number = round(value / size)
            return Amount(form, number, rounded=abs(number * size - value) > 1e-6)
    return Amount({0: "none", 1: "one"}.get(value, "other"), value)


def _per_vacancy(value: int) -> Amount:
    number = round(value / 100)
    # 95 to 149 are about as many as there are vacancies.
    form = "few" if value < 95 else "one" if value < 150 else "other"
    return Amount(form, number, rounded=number * 100 != value)
