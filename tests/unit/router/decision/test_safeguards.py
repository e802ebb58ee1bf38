"""Safeguards, proven over every value of every field that a rule reads, and over all together."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.cases.features import FEATURES
from router.decision.catalogue import DIGITAL, TALK, Catalogue, Channel, Mix, MixElement
from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Status
from router.decision.rulebook import rulebook
from router.decision.safeguards import CompiledSafeguards, Effect, Requirement, members, numbers_in
from router.decision.schema import Role
from router.decision.suitability import NEEDS, Need, Suitability
from router.decision.weights import Weights
from tests.builders import FOLDS, a_catalogue, a_decider, a_policy, a_row, random_rows

DECIDER = a_decider()
RULES = DECIDER.safeguards
MIXES = a_catalogue().mixes
RULE_FIELDS = {f.name for f in FEATURES.features if {Role.HARD_RULE, Role.SAFEGUARD} & f.roles}
GUARDED = sorted(RULE_FIELDS - {"shielded"})


def permitted(**values: str | int | None) -> list[str]:
    """Gives the mixes that the safeguards permit in a plain case with some values changed."""
    codes, _ = RULES.apply(a_row(**values)[None])
    [mask] = RULES.permitted.take(codes).tolist()
    return [mix.id for number, mix in enumerate(MIXES) if mask >> number & 1]


def test_every_field_that_a_rule_reads_may_be_read_by_rules() -> None:
    # By its role in the contract, which says what a field may be used for.
    assert {rule.feature for rule in RULES.rules} <= RULE_FIELDS


# A long way takes nothing but meetings, to which nobody is asked who does not wish for them.
@pytest.mark.parametrize("name", sorted(set(GUARDED) - {"travel_minutes_band"}))
def test_unknown_is_never_read_as_no_problem(name: str) -> None:
    mildest = FEATURES[name].value(FEATURES[name].severity[0][0])
    assert set(permitted(**{name: None})) < set(permitted(**{name: mildest}))


@pytest.mark.parametrize("name", GUARDED)
def test_a_worse_value_of_a_rules_field_permits_no_mix_that_a_milder_one_forbids(name: str) -> None:
    steps = [
        {mask for slot in step for mask in [frozenset(permitted(**{name: _value(name, slot)}))]}
        for step in FEATURES[name].severity
    ]
    for milder, worse in itertools.pairwise(steps):
        for before in milder:
            for after in worse:
                assert after <= before


def _value(name: str, slot: int) -> str | int | None:
    return FEATURES[name].value(slot)


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need.name)
@pytest.mark.parametrize("channel", Channel)
def test_each_cell_of_needs_and_channels_holds_for_every_permitted_mix(
    need: Need, channel: Channel
) -> None:
    for value in need.values:
        # By itself who signs uses no phone; whether this one does is another question.
        row = a_row(**({"can_use_phone": None} | {need.feature: value}))
        mask = int(RULES.permitted.take(RULES.apply(row[None])[0])[0])
        unusable = RULES.unusable(int(RULES.apply(row[None])[1][0]))
        for number, mix in enumerate(MIXES):
            if not mask >> number & 1:
                continue
            held = mix.channels_without(unusable)
            assert held
            match need.of(channel):
                case Suitability.DOES_NOT_SERVE:
                    assert channel not in held
                case Suitability.WISHED:
                    assert held & need.all_that_are(Suitability.WISHED)
                case Suitability.IF_WISHED:
                    assert channel not in held


def test_a_phone_call_is_no_talk_for_who_signs_and_a_meeting_is_one() -> None:
    assert permitted(language_support="SIGN_INTERPRETER", can_use_phone="NO") == [
        "EARLY_VIDEO",
        "EARLY_OFFICE",
        "REGULAR_PERSONAL",
        "BLENDED_VIDEO",
        "BLENDED_OFFICE",
        "INTENSIVE_PERSONAL",
    ]


def test_a_wish_for_a_meeting_is_met_by_a_meeting_also_far_from_the_office() -> None:
    near = permitted(channel_preference="PREFERS_MEETING")
    assert near == ["EARLY_OFFICE", "BLENDED_OFFICE", "INTENSIVE_PERSONAL"]
    # Far away a wish must not mean less contact than there could be without it.
    far = permitted(channel_preference="PREFERS_MEETING", travel_minutes_band="OVER_60")
    assert far == ["BLENDED_OFFICE", "INTENSIVE_PERSONAL"]


def test_a_wish_to_talk_by_phone_or_video_is_met_by_phone_or_video() -> None:
    assert permitted(channel_preference="PREFERS_REMOTE_TALK") == [
        "EARLY_PHONE",
        "EARLY_VIDEO",
        "PHONE_TALKS",
        "DIALOGUE_AND_PHONE",
        "REGULAR_PERSONAL",
        "BLENDED_VIDEO",
        "INTENSIVE_PERSONAL",
    ]


def test_far_from_the_office_nobody_is_asked_to_meetings_unless_nothing_else_is_left() -> None:
    assert permitted(travel_minutes_band="OVER_60") == [
        "SELF_SERVICE",
        "EARLY_PHONE",
        "LIGHT_DIALOGUE",
        "EARLY_VIDEO",
        "DIGITAL_DIALOGUE",
        "PHONE_TALKS",
        "DIALOGUE_AND_PHONE",
        "REGULAR_PERSONAL",
        "BLENDED_VIDEO",
    ]
    assert permitted(
        travel_minutes_band="OVER_60", digitally_reserved="YES", can_use_phone="NO"
    ) == ["INTENSIVE_PERSONAL"]


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 1_000_000))
def test_whatever_comes_together_a_permitted_mix_can_be_held_and_some_mix_is_permitted(
    seed: int,
) -> None:
    rows = random_rows(seed, 50)
    rows[:, FEATURES.column("shielded")] = FEATURES["shielded"].slot("NO")
    codes, bits = RULES.apply(rows)
    masks = RULES.permitted.take(codes)
    assert (masks > 0).all()
    for mask, applied in zip(masks.tolist(), bits.tolist(), strict=True):
        unusable = RULES.unusable(applied)
        required = {rule.effect.requirement for rule in RULES.applied(applied)}
        for number, mix in enumerate(MIXES):
            if mask >> number & 1:
                held = mix.channels_without(unusable)
                assert held
                assert not held & unusable
                if Requirement.PERSONAL_TALK in required:
                    assert held & TALK
                if Requirement.NO_DIGITAL_DEMAND in required:
                    assert not held & DIGITAL
                    assert not mix.digital_demand
                if Requirement.MEETING in required:
                    assert Channel.OFFICE_MEETING in held


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("digitally_reserved", "YES"),
        ("digitally_reserved", None),
        ("manual_follow_up", "YES"),
        ("digital_access", "NONE"),
        ("digital_access", "PHONE_ONLY"),
        ("has_eid", "NO"),
        ("digital_skill", "NON_USER"),
    ],
)
def test_who_cannot_use_digital_services_never_gets_a_digital_demand(
    name: str, value: str | None
) -> None:
    rows = random_rows(1, 4000)
    rows[:, FEATURES.column(name)] = FEATURES[name].slot(value)
    decisions = DECIDER.decide(rows)
    given = decisions.mix[decisions.mix != NO_MIX]
    assert len(given) > 3000
    assert not any(MIXES[mix].digital_demand for mix in np.unique(given))


@pytest.mark.parametrize("value", ["YES", None])
def test_a_shielded_case_or_one_that_does_not_say_is_never_scored(value: str | None) -> None:
    decisions = DECIDER.decide(a_row(shielded=value)[None])
    assert decisions.status[0] == Status.MANUAL_ONLY
    assert decisions.mix[0] == NO_MIX
    assert np.isnan(decisions.expected).all()
    assert RULES.applied(int(decisions.safeguards[0]))[0].feature == "shielded"


@pytest.mark.parametrize("name", GUARDED)
def test_a_worse_value_never_lowers_the_minutes_whatever_the_status_the_model_aside(
    name: str,
) -> None:
    steps = [*FEATURES[name].severity]
    if len(steps) > 60:
        steps = [steps[0], *steps[55:65], *steps[88:92], steps[-1]]
    column = FEATURES.column(name)
    for seed in range(3):
        decider = a_decider(seed, effect=0.004, spread=0.003)
        # What the model makes of the field is the tables' own matter: here it makes nothing of it.
        decider = _blind_to(decider, name)
        rows = random_rows(seed, 400)
        low = np.zeros(len(rows))
        for step in steps:
            found = []
            for slot in step:
                rows[:, column] = slot
                found.append(np.append(decider.catalogue.minutes, np.inf)[decider.decide(rows).mix])
            assert (np.min(found, axis=0) >= low).all()
            low = np.max(found, axis=0)


def _blind_to(decider: Decider, name: str) -> Decider:
    tables, column = decider.tables, FEATURES.column(name)
    values = tables.values.copy()
    for one, start in zip(tables.columns.tolist(), tables.offsets.tolist(), strict=True):
        if one == column:
            values[start : start + FEATURES[name].slots] = 0
    pairs = tuple(pair for pair in tables.pairs if column not in (pair.first, pair.second))
    blind = dataclasses.replace(tables, values=values, pairs=pairs)
    policy = dataclasses.replace(decider.policy, weights=Weights())
    return dataclasses.replace(decider, tables=blind, policy=policy)


def a_mix(name: str, minutes: int, *channels: Channel) -> Mix:
    """Gives a mix with one contact by each channel; the last one takes all the minutes."""
    each = [
        MixElement(channel=one, first_week=1, every_n_days=0, minutes=0) for one in channels[:-1]
    ]
    last = MixElement(channel=channels[-1], first_week=1, every_n_days=0, minutes=minutes)
    return Mix(id=name, weeks=12, digital_demand=False, elements=(*each, last))


# A light mix with a talk beside a heavier one without.
MIXED = Catalogue(
    version="x",
    mixes=(
        a_mix("WRITE", 10, Channel.DIALOGUE_MESSAGE),
        a_mix("CALL", 20, Channel.PHONE),
        a_mix("WRITE_MUCH", 60, Channel.DIALOGUE_MESSAGE),
        a_mix("SEE", 80, Channel.VIDEO),
        a_mix("MEET", 200, Channel.OFFICE_MEETING, Channel.PHONE, Channel.OFFICE_MEETING),
    ),
)


def test_a_light_mix_with_a_talk_may_stand_beside_a_heavier_one_without() -> None:
    talk = Effect(Requirement.PERSONAL_TALK)
    rule = dataclasses.replace(RULES.rules[0], effect=talk)
    rules = CompiledSafeguards(features=FEATURES, catalogue=MIXED, rules=(rule,))
    assert numbers_in(rules.permitted_alone[0]) == [1, 3, 4]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1_000_000))
def test_a_worse_value_never_lowers_the_minutes_in_a_catalogue_without_an_order_either(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    decider = a_decider(seed % 7, effect=0.004, spread=0.003)
    worth = rng.normal(0.4, 0.02, (len(MIXED.mixes), 1)) + np.zeros(FOLDS)
    flat = dataclasses.replace(
        decider.tables,
        values=np.zeros((len(decider.tables.values), *worth.shape)),
        intercept=worth,
        pairs=(),
    )
    last = MIXED.mixes[-1]
    heaviest = dataclasses.replace(
        last,
        elements=tuple(
            dataclasses.replace(one, instead=(Channel.OFFICE_MEETING,)) for one in last.elements
        ),
    )
    catalogue = dataclasses.replace(MIXED, mixes=(*MIXED.mixes[:-1], heaviest))
    policy = dataclasses.replace(a_policy(), menu=catalogue.ids)
    one = Decider(tables=flat, catalogue=catalogue, policy=policy)

    [row] = random_rows(seed, 1)
    row[FEATURES.column("shielded")] = FEATURES["shielded"].slot("NO")
    for name in GUARDED:
        before = -1.0
        steps = FEATURES[name].severity
        for step in steps if len(steps) < 60 else [steps[0], steps[-1]]:
            rows = np.repeat(row[None], len(step), axis=0)
            rows[:, FEATURES.column(name)] = step
            minutes = one.catalogue.minutes[one.decide(rows).mix]
            assert minutes.min() >= before
            before = float(minutes.max())


def test_a_catalogue_whose_heaviest_mix_does_not_serve_everyone_is_refused() -> None:
    *lighter, heaviest = MIXES
    without = dataclasses.replace(
        heaviest, elements=tuple(dataclasses.replace(one, instead=()) for one in heaviest.elements)
    )
    catalogue = Catalogue(version="x", mixes=(*lighter, without))
    with pytest.raises(ValueError, match=r"SIGN_LANGUAGE forbids INTENSIVE_PERSONAL.*`instead`"):
        CompiledSafeguards(features=FEATURES, catalogue=catalogue, rules=RULES.rules)


def test_a_worse_situation_never_means_a_lighter_best_mix_whatever_comes_together() -> None:
    rng = np.random.default_rng(0)
    rows = random_rows(1, 30_000)
    codes, _ = RULES.apply(rows)
    found, places = np.unique(codes, return_index=True)
    comparable, served = RULES.comparable.take(found), RULES.permitted.take(found) > 0
    policy = dataclasses.replace(a_policy(), price=0.0, weights=Weights())
    tables = dataclasses.replace(
        DECIDER.tables, values=np.zeros_like(DECIDER.tables.values), pairs=()
    )
    for _ in range(20):
        worth = rng.normal(0.4, 0.02, (len(MIXES), 1)) + np.zeros(FOLDS)
        flat = dataclasses.replace(tables, intercept=worth)
        one = Decider(tables=flat, catalogue=a_catalogue(), policy=policy)
        best = one.decide(rows[places]).mix
        for number, code in enumerate(found.tolist()):
            # Those that differ by values with an order alone, and say more.
            same = comparable == comparable[number]
            more = same & (found & code == code) & ((found ^ code) & ~RULES.ordered == 0)
            assert (best[more & served] >= best[number]).all()


def test_masks_are_the_same_for_one_row_and_for_many() -> None:
    rows = random_rows(9, 2000)
    codes, _ = RULES.apply(rows)
    masks = RULES.permitted.take(codes)
    fresh = CompiledSafeguards(
        features=FEATURES,
        catalogue=a_catalogue(),
        rules=rulebook(FEATURES, a_policy().limits),
        menu=a_policy().menu,
    )
    assert [fresh.permitted[code] for code in codes.tolist()] == masks.tolist()
    assert members(masks, len(MIXES)).shape == (len(MIXES), len(rows))


def test_every_safeguard_names_its_legal_basis() -> None:
    assert all(rule.legal_basis for rule in RULES.rules)


def test_a_course_for_many_is_no_contact_with_ones_own_adviser() -> None:
    course = frozenset({Channel.SELF_SERVICE, Channel.GROUP_MEETING})
    mix = a_catalogue().mixes[0]
    assert not Requirement.ADVISER_DIALOGUE.is_met(mix, course)
    assert Requirement.ADVISER_DIALOGUE.is_met(mix, course | {Channel.DIALOGUE_MESSAGE})
