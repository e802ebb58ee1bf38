"""Which mixes form a square of two channels, and which would complete one."""

from dataclasses import replace

from router.decision.catalogue import Channel, MixElement
from router.policies.offices import load_policy
from tests.builders import ROOT, a_catalogue
from training.evaluation.squares import channel_pairs, squares, why_not, with_mixes

CATALOGUE = a_catalogue()
NATIONAL = load_policy(ROOT / "policies" / "national.toml", CATALOGUE)
DIALOGUE_PHONE = (Channel.DIALOGUE_MESSAGE, Channel.PHONE)
DIALOGUE_VIDEO = (Channel.DIALOGUE_MESSAGE, Channel.VIDEO)


def test_the_shipped_catalogue_has_one_complete_square() -> None:
    complete = {
        pair: [one.ids for one in squares(CATALOGUE, pair, CATALOGUE.ids) if not one.missing]
        for pair in channel_pairs(CATALOGUE)
    }
    assert complete.pop(DIALOGUE_PHONE) == [
        ("DIALOGUE_AND_PHONE", "LIGHT_DIALOGUE", "PHONE_TALKS", "SELF_SERVICE")
    ]
    assert not any(complete.values())


def test_of_an_incomplete_square_the_lightest_missing_mix_is_named() -> None:
    (near,) = squares(CATALOGUE, DIALOGUE_VIDEO, CATALOGUE.ids)
    (missing,) = near.missing
    assert near.ids[1:] == ("LIGHT_DIALOGUE", "EARLY_VIDEO", "SELF_SERVICE")
    assert missing.adviser_minutes == 64
    assert why_not(CATALOGUE, missing, NATIONAL) == ""


def test_the_missing_mix_completes_the_square_once_it_is_there() -> None:
    (near,) = squares(CATALOGUE, DIALOGUE_VIDEO, CATALOGUE.ids)
    wider = with_mixes(CATALOGUE, near.missing)
    (found,) = squares(wider, DIALOGUE_VIDEO, wider.ids)
    assert not found.missing


def test_a_mix_that_was_not_logged_is_missing_by_its_own_name() -> None:
    logged = tuple(mix for mix in CATALOGUE.ids if mix != "PHONE_TALKS")
    (near,) = squares(CATALOGUE, DIALOGUE_PHONE, logged)
    assert [mix.id for mix in near.missing] == ["PHONE_TALKS"]


def test_channels_that_nothing_stands_beside_have_no_square() -> None:
    only = replace(CATALOGUE, mixes=CATALOGUE.mixes[:2])
    assert channel_pairs(only) == ((Channel.SELF_SERVICE, Channel.PHONE),)
    assert squares(only, (Channel.SELF_SERVICE, Channel.PHONE), only.ids) == ()


def test_a_mix_of_as_many_minutes_as_another_is_no_mix_of_the_catalogue() -> None:
    twin = replace(CATALOGUE.mixes[1], id="TWIN")
    assert "EARLY_PHONE" in why_not(CATALOGUE, twin, NATIONAL)


def test_a_dose_is_a_schedule_not_a_channel() -> None:
    late = MixElement(channel=Channel.VIDEO, first_week=9, every_n_days=0, minutes=34)
    other = replace(CATALOGUE.mixes[0], id="LATE", elements=(*CATALOGUE.mixes[0].elements, late))
    wider = with_mixes(CATALOGUE, (other,))
    found = squares(wider, DIALOGUE_VIDEO, wider.ids)
    # One video call in week 9 is not what one in week 1 is: the square needs the same.
    assert all(one.missing for one in found)
