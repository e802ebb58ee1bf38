"""A mix that nothing was learned of: served from a prior, never advised for its worth."""

from dataclasses import replace

import numpy as np
import pytest

from router.decision.catalogue import Catalogue, Channel, Mix, MixElement
from router.decision.decide import Decider
from router.decision.severity import prove
from router.decision.unscored import for_mixes
from tests.builders import a_catalogue, a_policy, random_rows, random_tables

CATALOGUE = a_catalogue()
TABLES = random_tables(3)


def a_talk(minutes: int) -> Mix:
    """Gives a new mix of so many minutes: one call, the rest self-service."""
    call = MixElement(channel=Channel.PHONE, first_week=1, every_n_days=0, minutes=minutes)
    return Mix(id="ONE_CALL", weeks=12, digital_demand=False, elements=(call,))


def with_mix(minutes: int) -> Catalogue:
    mixes = sorted([*CATALOGUE.mixes, a_talk(minutes)], key=lambda mix: mix.adviser_minutes)
    return replace(CATALOGUE, mixes=tuple(mixes))


@pytest.mark.parametrize("minutes", [1, 61, 400])
def test_it_is_never_advised_where_the_next_lighter_tried_one_may_be(
    minutes: int,
) -> None:
    wider = with_mix(minutes)
    new = wider.ids.index("ONE_CALL")
    tables = for_mixes(TABLES, CATALOGUE.ids, wider.ids)
    assert tables.unscored == (new,)
    policy = replace(a_policy(), menu=wider.ids)
    decided = Decider(tables=tables, catalogue=wider, policy=policy).decide(random_rows(4, 400))
    permitted = decided.permitted
    assert permitted[:, new].any()
    # Below all that were tried it counts as worse than any of them.
    tried = permitted[:, new - 1] if new else permitted[:, 1:].any(axis=1)
    assert not (decided.mix[tried] == new).any()


def test_other_mixes_are_worth_what_they_were() -> None:
    wider = with_mix(61)
    tables, rows = for_mixes(TABLES, CATALOGUE.ids, wider.ids), random_rows(4, 50)
    known = [wider.ids.index(mix) for mix in CATALOGUE.ids]
    assert (tables.fold_values(rows)[:, known] == TABLES.fold_values(rows)).all()
    assert for_mixes(tables, wider.ids, CATALOGUE.ids).fold_values(rows).shape[1] == len(known)


@pytest.mark.parametrize("minutes", [1, 61, 400])
def test_a_worse_situation_still_never_asks_for_less_contact(minutes: int) -> None:
    wider = with_mix(minutes)
    flat = replace(TABLES, values=np.zeros_like(TABLES.values), pairs=())
    assert prove(for_mixes(flat, CATALOGUE.ids, wider.ids), wider.ids).holds
    found = prove(for_mixes(TABLES, CATALOGUE.ids, wider.ids), wider.ids)
    # Where tables already fall, nothing is made worse by it.
    assert len(found.falls) <= 2 * len(prove(TABLES, CATALOGUE.ids).falls)


def test_tables_of_a_wholly_other_catalogue_are_refused() -> None:
    with pytest.raises(ValueError, match="it values the mixes"):
        for_mixes(TABLES, CATALOGUE.ids, ("A", "B"))
    with pytest.raises(ValueError, match="it values the mixes"):
        for_mixes(TABLES, CATALOGUE.ids, CATALOGUE.ids[::-1])
