"""Whose plain advice an office's policy withholds: one draw, whatever way the advice would take."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from router.decision.draws import Draws
from router.decision.policy import DisclosureShares
from router.journal.recommendation import AFTER_OWN_VIEW, CONTROL, SHOWN


def group_of(draws: Draws, shares: DisclosureShares, case_ref: str) -> str:
    """Tells to which group a case belongs: SHOWN, AFTER_OWN_VIEW or CONTROL.

    The same case always falls into the same one.

    Raises:
        DrawKeyMissing: if there is no key to draw with.
    """
    # Without the versions: a case stays in its group for as long as the groups are compared.
    drawn = draws.number("disclosure", case_ref)
    if drawn < shares.control:
        return CONTROL
    return AFTER_OWN_VIEW if drawn < shares.control + shares.after_own_view else SHOWN


def are_unshown(
    draws: Draws, shares: DisclosureShares, case_refs: Iterable[str]
) -> NDArray[np.bool_]:
    """Says which cases belong to a group whose plain advice is withheld, shape (n,).

    Raises:
        DrawKeyMissing: if some are withheld and there is no key to draw with.
    """
    refs = list(case_refs)
    # Most offices withhold nothing, and then nothing need be drawn.
    if shares.control + shares.after_own_view <= 0:
        return np.zeros(len(refs), np.bool_)
    draws.need_key("disclosure")
    return np.array([group_of(draws, shares, ref) != SHOWN for ref in refs], np.bool_)
