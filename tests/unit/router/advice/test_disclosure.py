"""The draw that says whose advice is withheld: the same wherever it is asked for."""

import pytest

from router.advice.disclosure import are_unshown, group_of
from router.decision.draws import Draws
from router.decision.policy import DisclosureShares

DRAWS = Draws(b"a key of sixteen")
REFS = [f"c-{number}" for number in range(4_000)]


@pytest.mark.parametrize(("control", "after_own_view"), [(0.0, 0.3), (0.1, 0.0), (0.1, 0.3)])
def test_each_group_has_its_share_and_a_case_stays_in_its_own(
    control: float, after_own_view: float
) -> None:
    shares = DisclosureShares(control=control, after_own_view=after_own_view)
    groups = [group_of(DRAWS, shares, ref) for ref in REFS]
    assert groups == [group_of(DRAWS, shares, ref) for ref in REFS]
    assert groups.count("CONTROL") / len(REFS) == pytest.approx(control, abs=0.03)
    assert groups.count("AFTER_OWN_VIEW") / len(REFS) == pytest.approx(after_own_view, abs=0.03)
    assert are_unshown(DRAWS, shares, REFS).tolist() == [group != "SHOWN" for group in groups]


def test_without_shares_everything_is_shown() -> None:
    assert not are_unshown(Draws(), DisclosureShares(control=0.0, after_own_view=0.0), REFS).any()
