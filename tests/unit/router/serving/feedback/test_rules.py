"""The rules of a choice, tried for every mix, wish, reason, floor and disclosure."""

import uuid
from itertools import product

import pytest

from router.journal.feedback import ChoiceReason, Direction, View, WishedBy
from router.journal.recommendation import Recommended
from router.journal.standing import NOTHING, StoredFeedback
from router.serving.feedback import rules
from router.serving.feedback.history import History
from router.serving.feedback.requests import AskedChoice
from router.serving.status import InvalidRequest
from tests.builders import a_catalogue

MIXES = a_catalogue().ids
MINUTES = tuple(a_catalogue().minutes.tolist())
DECISION = uuid.UUID(int=1)
VIEWED = NOTHING.after(
    StoredFeedback(2, b"v" * 16, "view", 0, False, View(decision_id=DECISION, mix=MIXES[0]))
)


def a_history(advised: str, lightest: str, disclosure: str, *, viewed: bool = False) -> History:
    recommended = Recommended(
        decision_id=str(DECISION),
        case_ref="c-1",
        office_ref="",
        mix=advised,
        status="RECOMMENDED",
        mixes=MIXES,
        minutes=MINUTES,
        expected=(0.5,) * len(MIXES),
        error=(0.1,) * len(MIXES),
        safeguards=(),
        doubts=0,
        synthetic_model=False,
        permitted=MIXES[MIXES.index(lightest) :],
        disclosure=disclosure,
        model_version="m",
        policy_version="p",
        written_at=0,
    )
    standing = VIEWED if viewed else NOTHING
    return History(recommended=recommended, standing=standing, withheld=b"", same_id=None)


def a_choice(mix: str, wished_by: WishedBy, reason: ChoiceReason) -> AskedChoice:
    return AskedChoice(
        request_id=uuid.UUID(int=2),
        decision_id=DECISION,
        mix=mix,
        wished_by=wished_by,
        reason=reason,
        adviser_view=None,
        user_view=None,
        corrects=None,
    )


@pytest.mark.parametrize(
    ("disclosure", "viewed", "seen"),
    [
        ("SHOWN", False, True),
        ("AFTER_OWN_VIEW", True, True),
        ("AFTER_OWN_VIEW", False, False),
        ("CONTROL", False, False),
        ("SOMETHING_NEW", False, False),
    ],
)
def test_every_choice_is_accepted_or_refused_as_documented(
    disclosure: str, viewed: bool, seen: bool
) -> None:
    advised = "BLENDED_VIDEO"
    for lightest in MIXES[: MIXES.index(advised) + 1]:
        history = a_history(advised, lightest, disclosure, viewed=viewed)
        for mix, wished_by, reason in product(MIXES, WishedBy, ChoiceReason):
            below = MIXES.index(mix) < MIXES.index(lightest)
            less = MIXES.index(mix) < MIXES.index(advised)
            users = wished_by in ("USER", "BOTH") and reason in rules.USERS_REASONS
            fine = users if below else (not less or not seen or reason != "")
            try:
                found = rules.choice(history, a_choice(mix, wished_by, reason))
            except InvalidRequest:
                assert not fine, (lightest, mix, wished_by, reason)
            else:
                assert fine, (lightest, mix, wished_by, reason)
                assert found.direction == (
                    Direction.LESS if less else Direction.SAME if mix == advised else Direction.MORE
                )
