"""The worlds that can be simulated: what talks, messages and channels add to whose chance, as data.

Sizes are logits. What trials found is said with its source, what nobody measured is named as
assumed. A new world: a row of `WORLDS`; a new difference between people: a `Factor` or a `Term`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.decision.catalogue import TALK, Channel
from training.simulation.population import Slots

ASSUMED = "assumed"
_MEETING = frozenset({Channel.OFFICE_MEETING})
_SEEN = frozenset({Channel.OFFICE_MEETING, Channel.VIDEO})
_WRITTEN = frozenset({Channel.DIALOGUE_MESSAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """People by one field: some of its values, or counts from a lowest to a highest.

    Attributes:
        field: its name.
        values: those that count; none where counts do.
        lowest: count from which on, inclusive; None for any.
        highest: count up to which, inclusive; None for any.
    """

    field: str
    values: tuple[str, ...] = ()
    lowest: int | None = None
    highest: int | None = None

    def are(self, slots: Slots) -> NDArray[np.bool_]:
        """Tells of each case whether it is one of them, shape (cases,)."""
        feature = FEATURES[self.field]
        if self.values:
            return np.isin(slots[self.field], [feature.slot(value) for value in self.values])
        first = feature.slot(feature.lower if self.lowest is None else self.lowest)
        last = feature.slot(feature.upper if self.highest is None else self.highest)
        found: NDArray[np.bool_] = (slots[self.field] >= first) & (slots[self.field] <= last)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """How many times as much talks add for some people.

    Attributes:
        who: all of these groups at once.
        times: 0 or more.
        source: of the figure.
    """

    who: tuple[Who, ...]
    times: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What mixes of a kind add for some people, beside what talks do.

    Attributes:
        who: all of these groups at once; everybody if empty.
        logit: added.
        source: of the figure.
        has: channels of which the mix holds one; any mix if empty.
        lacks: channels of which it holds none.
        talks: that it holds at least.
    """

    who: tuple[Who, ...]
    logit: float
    source: str
    has: frozenset[Channel] = frozenset()
    lacks: frozenset[Channel] = frozenset()
    talks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What mixes add in a world.

    Attributes:
        name: of the world.
        about: in one sentence.
        doses: what the first, the second ... talk adds; later ones add nothing.
        near: what a talk is worth by channel to who had one in the last 90 days.
        far: to who had none.
        factors: groups of factors; of each group the first that applies, of all groups the product.
        terms: all that apply, added.
        differing: whether effects differ between people; if not, everybody's is the mean.
    """

    name: str
    about: str
    doses: tuple[float, ...]
    near: dict[Channel, float]
    far: dict[Channel, float]
    factors: tuple[tuple[Factor, ...], ...]
    terms: tuple[Term, ...]
    differing: bool = True


_YOUNG = Who(field="age_band", values=("18_24", "25_29"))
_OLD = Who(field="age_band", values=("60_66", "OVER_66"))
_NO_GOAL = Who(field="plan_has_goal", values=("NO",))
_SMALL = Who(field="need_group", values=("SMALL_OPPORTUNITY",))
_GOOD = Who(field="need_group", values=("GOOD_OPPORTUNITIES",))
_NOT_GOOD = Who(
    field="need_group",
    values=tuple(one for one in FEATURES["need_group"].values if one not in _GOOD.values),
)
_CAPACITY = Who(
    field="need_group",
    values=("NEEDS_GUIDANCE_REDUCED_CAPACITY", "PARTIAL_WORK", "SMALL_OPPORTUNITY"),
)

PUBLISHED = World(
    name="published",
    about="Effects of the size that trials found, with the differences that they report.",
    # In proportion to Denmark 2008 (fortnightly meetings: most of it comes of the first ones), in
    # size to UWV/SEO 2017-18: 2 points for talks beside online services.
    doses=(0.045, 0.025, 0.015, 0.010),
    # IFAU 2019:27: distance works about as well as a complement; the figures of `far` are assumed.
    near={Channel.PHONE: 0.9, Channel.VIDEO: 0.95, Channel.OFFICE_MEETING: 1.0},
    far={Channel.PHONE: 0.7, Channel.VIDEO: 0.7, Channel.OFFICE_MEETING: 1.0},
    factors=(
        (
            Factor(
                who=(Who(field="weeks_registered", highest=7),),
                times=1.3,
                source="UWV 2008-11: talks help most within two months",
            ),
            Factor(
                who=(Who(field="weeks_registered", lowest=27),),
                times=0.7,
                source="UWV 2008-11: talks help most within two months",
            ),
        ),
        (
            Factor(who=(_OLD,), times=0.6, source="UWV 2008-11: most for the young"),
            Factor(who=(_SMALL,), times=0.6, source="UWV 2008-11: most where barriers can change"),
            Factor(who=(_YOUNG,), times=1.4, source="UWV 2008-11: most for the young"),
            Factor(
                who=(_NO_GOAL,),
                times=1.4,
                source="UWV 2008-11: most where barriers can change; a plan without a goal "
                "stands for one (assumed)",
            ),
        ),
    ),
    terms=(
        Term(
            who=(_NOT_GOOD,),
            logit=-0.03,
            source="Vehkasalo 2020: online instead of the office prolongs spells; whom, is assumed",
            lacks=TALK | _WRITTEN,
        ),
        Term(
            who=(Who(field="digital_skill", values=("WEAK", "NON_USER")),),
            logit=-0.10,
            source=ASSUMED,
            lacks=TALK,
        ),
        Term(
            who=(Who(field="goal_by_user", values=("YES",)),),
            logit=0.02,
            source=ASSUMED,
            has=_SEEN,
        ),
    ),
)

DIFFERING = replace(
    PUBLISHED,
    name="differing",
    about="The published effects on average, with larger differences, assumed, between people.",
    # What talks add to everybody is less, as the terms below add for some: the mean stays.
    doses=(0.030, 0.012, 0.005, 0.005),
    terms=(
        *PUBLISHED.terms,
        # More than one talk: for who has nothing to go on with, not for who manages.
        Term(who=(_NO_GOAL,), logit=0.21, source=ASSUMED, talks=2),
        Term(
            who=(Who(field="months_since_last_work", lowest=12),),
            logit=0.21,
            source=ASSUMED,
            talks=2,
        ),
        Term(who=(_GOOD,), logit=-0.30, source=ASSUMED, talks=2),
        # To be seen, and to meet in one room.
        Term(who=(_YOUNG,), logit=0.18, source=ASSUMED, has=_SEEN),
        Term(
            who=(
                Who(
                    field="education_level",
                    values=("NONE", "COMPULSORY", "UPPER_SECONDARY_BASIC"),
                ),
            ),
            logit=0.22,
            source=ASSUMED,
            has=_MEETING,
        ),
        Term(
            who=(_CAPACITY,),
            logit=0.35,
            source="Behaghel, Crépon, Gurgand 2014: exits up by 15 to 35 % with intensive "
            "counselling; for whom, is assumed",
            has=_MEETING,
            talks=2,
        ),
        # To be written to, for who writes.
        Term(who=(Who(field="messages_90d", lowest=3),), logit=0.14, source=ASSUMED, has=_WRITTEN),
    ),
)
SAME = replace(
    PUBLISHED,
    name="same",
    about="A mix adds as much to everybody's chance; what is found to differ is not there.",
    differing=False,
)
WORLDS = {world.name: world for world in (DIFFERING, PUBLISHED, SAME)}
DEFAULT = DIFFERING
