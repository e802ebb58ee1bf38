"""Which reasons can be true of a choice: by its direction, and by who wished it.

The table is the rule: what it does not name contradicts itself, and is refused. It says nothing
about whether a reason suffices; that less contact needs one, and which one below the floor, is in
`rules`.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.journal.feedback import ChoiceReason, Direction, WishedBy

_ANY_WAY = frozenset(Direction)
_ANYONE = frozenset(WishedBy)
_SAME_OR_MORE = frozenset({Direction.SAME, Direction.MORE})
_SAME_OR_LESS = frozenset({Direction.SAME, Direction.LESS})
_WITH_THE_USER = frozenset({WishedBy.USER, WishedBy.BOTH})
_NOT_THE_USER_ALONE = frozenset({WishedBy.ADVISER, WishedBy.BOTH, WishedBy.AGENCY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """With what a reason can be true.

    Attributes:
        directions: of the choice against the mix advised.
        wished_by: who wished the choice.
    """

    directions: frozenset[Direction]
    wished_by: frozenset[WishedBy]


FITS = {
    ChoiceReason.NONE: Fit(directions=_ANY_WAY, wished_by=_ANYONE),
    ChoiceReason.USER_WISHES_LESS: Fit(directions=_SAME_OR_LESS, wished_by=_WITH_THE_USER),
    ChoiceReason.USER_WISHES_MORE: Fit(directions=_SAME_OR_MORE, wished_by=_WITH_THE_USER),
    # Someone with an offer, or with two who follow up, may need more talks for a while.
    ChoiceReason.USER_HAS_WORK_OR_PLAN: Fit(directions=_ANY_WAY, wished_by=_ANYONE),
    ChoiceReason.ALREADY_FOLLOWED_UP_ELSEWHERE: Fit(directions=_ANY_WAY, wished_by=_ANYONE),
    # Capacity is counted in the minutes that tell more from less. It is no wish of the user's: as
    # one it would look as if the user had asked for what the office lacks.
    ChoiceReason.CAPACITY: Fit(directions=_SAME_OR_LESS, wished_by=_NOT_THE_USER_ALONE),
    # Who takes the very mix advised does not hold that it misjudges the case.
    ChoiceReason.ADVICE_MISJUDGES_CASE: Fit(
        directions=frozenset({Direction.MORE, Direction.LESS}), wished_by=_ANYONE
    ),
    ChoiceReason.OTHER: Fit(directions=_ANY_WAY, wished_by=_ANYONE),
    ChoiceReason.ASSESSED_BY_PERSON: Fit(directions=_ANY_WAY, wished_by=_ANYONE),
}
"""By reason; every one is there."""
