"""Numbers are told in words up to twelve, in larger units as they grow, "about" where rounded."""

import pytest

from router.cases.features import FEATURES
from router.texts import LANGUAGES, Reader, load_texts

TEXTS = load_texts()


def told(field: str, value: int, language: str = "nb") -> str:
    feature = FEATURES[field]
    return TEXTS[language].fact(Reader.USER, feature, feature.slot(value))


@pytest.mark.parametrize(
    ("weeks", "text"),
    [
        (0, "Du registrerte deg som arbeidssøker for mindre enn en uke siden."),
        (1, "Du har vært registrert som arbeidssøker i én uke."),
        (2, "Du har vært registrert som arbeidssøker i to uker."),
        (12, "Du har vært registrert som arbeidssøker i tolv uker."),
        (13, "Du har vært registrert som arbeidssøker i 13 uker."),
        (25, "Du har vært registrert som arbeidssøker i 25 uker."),
        (26, "Du har vært registrert som arbeidssøker i seks måneder."),
        (30, "Du har vært registrert som arbeidssøker i omtrent sju måneder."),
        (103, "Du har vært registrert som arbeidssøker i omtrent 24 måneder."),
        (104, "Du har vært registrert som arbeidssøker i to år."),
        (300, "Du har vært registrert som arbeidssøker i omtrent seks år."),
        (519, "Du har vært registrert som arbeidssøker i omtrent ti år."),
        (520, "Du har vært registrert som arbeidssøker i minst ti år."),
    ],
)
def test_weeks_become_months_and_years(weeks: int, text: str) -> None:
    assert told("weeks_registered", weeks) == text


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("days_since_personal_contact", 59, "Det er 59 dager siden du snakket med oss."),
        ("days_since_personal_contact", 60, "Det er to måneder siden du snakket med oss."),
        ("days_since_personal_contact", 720, "Det er minst to år siden du snakket med oss."),
        ("months_since_last_work", 23, "Det er 23 måneder siden du var i jobb."),
        ("months_since_last_work", 24, "Det er to år siden du var i jobb."),
        ("months_since_last_work", 240, "Det er minst 20 år siden du var i jobb."),
    ],
)
def test_days_and_months_become_larger_units(field: str, value: int, text: str) -> None:
    assert told(field, value) == text


@pytest.mark.parametrize(
    ("applications", "text"),
    [
        (0, "Du har ikkje sendt søknader dei siste fire vekene."),
        (1, "Du har sendt éin søknad dei siste fire vekene."),
        (12, "Du har sendt tolv søknader dei siste fire vekene."),
        (13, "Du har sendt 13 søknader dei siste 4 vekene."),
        (60, "Du har sendt minst 60 søknader dei siste 4 vekene."),
    ],
)
def test_two_numbers_are_both_in_words_or_both_in_digits(applications: int, text: str) -> None:
    assert told("applications_4w", applications, "nn") == text


@pytest.mark.parametrize(
    ("talks", "text"),
    [
        (1, "We have spoken by phone once in the last three months."),
        (2, "We have spoken by phone twice in the last three months."),
        (3, "We have spoken by phone three times in the last three months."),
        (14, "We have spoken by phone 14 times in the last 3 months."),
    ],
)
def test_english_counts_once_twice_three_times(talks: int, text: str) -> None:
    assert told("phone_talks_90d", talks, "en") == text


@pytest.mark.parametrize(
    ("unemployed", "text"),
    [
        (10, "Where you live, there are more vacant jobs than people without work."),
        (100, "Where you live, there are about as many vacant jobs as people without work."),
        (200, "Where you live, there are two people without work for each vacant job."),
        (240, "Where you live, there are about two people without work for each vacant job."),
        (2000, "Where you live, there are at least 20 people without work for each vacant job."),
    ],
)
def test_a_labour_market_is_told_as_people_for_a_job(unemployed: int, text: str) -> None:
    assert told("unemployed_per_100_vacancies", unemployed, "en") == text


def test_a_share_of_all_is_told_as_all() -> None:
    assert told("plan_user_created_percent", 100) == "Du har laget alle aktivitetene i planen selv."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_of_every_field_can_be_told(language: str) -> None:
    texts = TEXTS[language]
    for feature in FEATURES.features:
        for slot in range(1, feature.slots):
            if texts.is_told(Reader.ADVISER, feature, slot):
                assert texts.fact(Reader.ADVISER, feature, slot)
