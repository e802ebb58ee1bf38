"""What stands together in an answer: plan, why, doubts and notice, each said once."""

from itertools import combinations, product

import pytest

from docs.texts import CATALOGUE
from router.cases.features import FEATURES
from router.decision.contradictions import CONTRADICTIONS
from router.decision.decision import Doubt
from router.decision.safeguards import Requirement
from router.decision.schema import Role
from router.decision.suitability import NEEDS
from router.serving.messages import contacts_of
from router.texts import LANGUAGES, STRICTEST_FIRST, Contact, Planned, Reader, load_texts
from router.texts.letters import facts_first, said_once, sentences
from tests.builders import a_decider

TEXTS = load_texts()
CONTACT = Contact("55 55 33 33", 5)
NO_PHONE = Contact("", 5)
NEVER_TOLD_TO_USERS = {"age_band", "need_group", "benefit_type", "benefit_weeks_left"}
NEVER_ASKED = {("self_assessed_need", "NOT_ASKED")}


def grouped(language: str, reader: Reader, rules: list[tuple[str, str]]) -> list[str]:
    return [" ".join(one) for one in TEXTS[language].grouped(reader, rules)]


def plan(language: str, mix_id: str, reader: Reader = Reader.USER) -> str:
    mix = CATALOGUE.mixes[CATALOGUE.ids.index(mix_id)]
    return TEXTS[language].plan(reader, contacts_of(mix), mix.weeks)


def test_a_plan_says_who_does_what_how_often_and_when_if_once() -> None:
    assert plan("nb", "DIALOGUE_AND_PHONE") == (
        "De neste tolv ukene bruker du aktivitetsplanen på egen hånd. Vi ringer deg tre ganger. "
        "Vi skriver til deg i dialogen tre ganger. "
        "Veilederen går gjennom aktivitetsplanen din én gang, etter fem uker."
    )
    assert plan("nn", "INTENSIVE_PERSONAL", Reader.ADVISER) == (
        "Dei neste tolv vekene møter du brukaren på kontoret seks gonger. "
        "Du ringjer brukaren seks gonger."
    )
    assert plan("en", "BLENDED_VIDEO") == (
        "Over the next twelve weeks you will use the activity plan on your own. "
        "We will write to you in the dialogue six times. We will speak with you by video twice. "
        "Your adviser will go through your activity plan once, after five weeks."
    )


def test_the_numbers_of_a_plan_are_all_in_words_or_all_in_digits() -> None:
    elements = [Planned("PHONE", 2, 18, 1), Planned("DIALOGUE_MESSAGE", 84, 7, 1)]
    assert TEXTS["nb"].plan(Reader.USER, elements, 12) == (
        "De neste 12 ukene ringer vi deg 2 ganger. Vi skriver til deg i dialogen 84 ganger."
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reader", Reader)
def test_the_notice_tells_advice_from_a_decision_and_how_to_reach_people(
    language: str, reader: Reader
) -> None:
    texts = TEXTS[language]
    advice = {"nb": "råd, ikke et vedtak", "nn": "råd, ikkje eit vedtak"}.get(
        language, "advice, not a formal decision"
    )
    more = {"nb": "mer oppfølging", "nn": "meir oppfølging", "en": "more follow-up"}[language]
    for digital, mix, manual, contact in product(
        (True, False), (True, False), (True, False), (CONTACT, NO_PHONE)
    ):
        text = texts.notice(reader, contact, digital=digital, mix=mix, manual=manual)
        assert (advice in text) == mix
        assert more in text
        assert ("55\u00a055\u00a033\u00a033" in text) == bool(contact.phone)
        in_writing = {"nb": "i dialogen", "nn": "i dialogen", "en": "in the dialogue"}[language]
        assert (in_writing in text) == digital


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_that_a_user_reads_tells_which_case_is_shielded(language: str) -> None:
    texts = TEXTS[language]
    letters = {
        texts.letter(
            Reader.USER,
            plan=texts.no_mix(Reader.USER, CONTACT),
            why=texts.grouped(Reader.USER, rules),
            doubts=[],
            contradictions=[],
            notice=texts.notice(Reader.USER, CONTACT, digital=False, mix=False, manual=manual),
        )
        for manual, rules in (
            (True, [("SHIELDED", "MANUAL_ONLY")]),
            (True, [("SHIELDING_UNKNOWN", "MANUAL_ONLY")]),
            (False, []),
        )
    }
    assert len(letters) == 1


def test_facts_with_the_same_consequence_stand_together() -> None:
    rules = [("WANTS_GUIDANCE", "PERSONAL_TALK"), ("INTERPRETER", "PERSONAL_TALK")]
    assert grouped("nb", Reader.USER, rules) == [
        "Du ønsker veiledning. Du trenger tolk. Derfor får du minst én samtale med en veileder."
    ]
    assert grouped("en", Reader.ADVISER, rules) == [
        "Wants guidance. Needs an interpreter. "
        "So the user must have at least one conversation with an adviser."
    ]


def test_facts_of_milder_rules_stand_under_the_strictest() -> None:
    rules = [
        ("LONG_SILENCE", "PERSONAL_TALK"),
        ("FAR_FROM_OFFICE", "USABLE_CHANNELS"),
        ("WAITING_FOR_REPLY", "ADVISER_DIALOGUE"),
        ("DIGITAL_NON_USER", "NO_DIGITAL_DEMAND"),
    ]
    assert grouped("nb", Reader.USER, rules) == [
        "Du bruker ikke digitale tjenester. Det er lenge siden du var inne i aktivitetsplanen. "
        "Du har ventet lenge på svar fra oss. "
        "Derfor snakker vi med deg, og du trenger ikke bruke digitale tjenester.",
        "Du har mer enn én time å reise til kontoret. "
        "Derfor har vi bare kontakt på måter som passer for deg.",
    ]


def test_who_cannot_use_the_phone_reads_that_other_ways_are_used() -> None:
    assert grouped("en", Reader.USER, [("CANNOT_USE_PHONE", "ADVISER_DIALOGUE")]) == [
        "The phone does not suit you. So we only use ways of contact that suit you."
    ]


def test_a_user_reads_once_that_much_is_unknown_and_an_adviser_what() -> None:
    rules = [
        (name, "ADVISER_DIALOGUE")
        for name in ("PREFERENCE_UNKNOWN", "LANGUAGE_SUPPORT_UNKNOWN", "PHONE_USE_UNKNOWN")
    ]
    assert grouped("nb", Reader.USER, rules) == [
        "Vi mangler flere opplysninger om deg. Derfor får du kontakt med en veileder."
    ]
    (told,) = grouped("nb", Reader.ADVISER, rules)
    assert len(sentences(told)) == len(rules) + 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reader", Reader)
def test_no_sentence_of_grouped_rules_stands_twice(language: str, reader: Reader) -> None:
    texts = TEXTS[language]
    names = list(texts.entries["user"]["safeguard"])
    for first, second in combinations(names, 2):
        for pair in product(STRICTEST_FIRST[1:], repeat=2):
            told = texts.grouped(reader, list(zip((first, second), pair, strict=True)))
            said = [sentence for paragraph in told for sentence in paragraph]
            assert len(said) == len(set(said))


@pytest.mark.parametrize("reader", Reader)
def test_every_value_that_a_model_reads_has_a_sentence_unless_it_may_not_be_told(
    reader: Reader,
) -> None:
    for feature in FEATURES.features:
        hidden = reader is Reader.USER and feature.name in NEVER_TOLD_TO_USERS
        may_be = Role.MODEL in feature.roles and not hidden
        for texts in TEXTS.values():
            assert not texts.is_told(reader, feature, 0)
            for slot in range(1, feature.slots):
                asked = (feature.name, feature.value(slot)) not in NEVER_ASKED
                told = texts.is_told(reader, feature, slot)
                assert told == (may_be and (asked or reader is Reader.ADVISER))


def test_a_reason_says_how_much_a_fact_matters() -> None:
    feature = FEATURES["self_assessed_need"]
    slot = feature.slot("WANTS_GUIDANCE")

    def reason(reader: Reader, points: float, language: str = "nb") -> str:
        return TEXTS[language].reason(reader, feature, slot, points, "BLENDED_VIDEO")

    assert reason(Reader.USER, 0.012) == (
        "Du ønsker veiledning. Derfor passer «Dialog og videosamtaler» litt bedre for deg."
    )
    assert reason(Reader.USER, 0.021, "nn") == (
        "Du ønskjer rettleiing. Derfor passar «Dialog og videosamtalar» mykje betre for deg."
    )
    assert reason(Reader.ADVISER, -0.012) == (
        "Ønsker veiledning (−1,2\u00a0prosentpoeng). "
        "Det trekker litt ned for «Dialog og videosamtaler»."
    )
    assert reason(Reader.ADVISER, 0.0349, "en") == (
        "Wants guidance (+3.5\u00a0percentage points). "
        "That makes “Dialogue and video calls” a clearly better fit."
    )


def test_a_user_never_reads_what_speaks_against_the_advice_or_is_unknown() -> None:
    texts, feature = TEXTS["nb"], FEATURES["weeks_registered"]
    with pytest.raises(ValueError, match=r"^weeks_registered: what speaks against"):
        texts.reason(Reader.USER, feature, feature.slot(3), -0.012, "BLENDED_VIDEO")
    with pytest.raises(ValueError, match=r"^MINUTES: what speaks against"):
        texts.general(Reader.USER, "MINUTES", -0.012, "BLENDED_VIDEO", "BLENDED_OFFICE")
    with pytest.raises(ValueError, match=r"^weeks_registered: None is no reason"):
        texts.reason(Reader.ADVISER, feature, 0, 0.012, "BLENDED_VIDEO")
    with pytest.raises(ValueError, match=r"^age_band: 18_24 is no reason for the user"):
        texts.reason(Reader.USER, FEATURES["age_band"], 1, 0.012, "BLENDED_VIDEO")


def test_an_agencys_own_mix_goes_by_its_id() -> None:
    assert TEXTS["en"].change(Reader.USER, "has_eid", "YES", "OUR_OWN") == (
        "If you get an electronic ID, we suggest “OUR_OWN”."
    )


def test_changes_are_of_fields_that_a_user_can_change_to_values_that_they_have() -> None:
    for texts in TEXTS.values():
        for field, direction in texts.change_keys():
            feature = FEATURES[field]
            assert feature.changeable
            assert direction in (feature.values or ("MORE", "LESS"))


def test_a_letter_has_all_in_order_and_no_sentence_twice() -> None:
    texts, feature = TEXTS["nb"], FEATURES["weeks_registered"]
    why = [
        *texts.grouped(Reader.USER, [("WANTS_GUIDANCE", "PERSONAL_TALK")]),
        [texts.reason(Reader.USER, feature, feature.slot(3), 0.012, "BLENDED_VIDEO")],
        [texts.reason(Reader.USER, FEATURES["plan_has_goal"], 1, 0.012, "BLENDED_VIDEO")],
    ]
    letter = texts.letter(
        Reader.USER,
        plan=f"{texts.test_line} {plan('nb', 'BLENDED_VIDEO')}",
        why=why,
        doubts=[texts.doubt(Reader.USER, "CONTRADICTION", CONTACT)],
        contradictions=[
            texts.contradiction(Reader.USER, "GOAL_WITHOUT_PLAN_GOAL"),
            texts.contradiction(Reader.USER, "NEVER_WORKED_BUT_WORKED"),
        ],
        notice=texts.notice(Reader.USER, CONTACT, digital=True, mix=True),
    )
    paragraphs = letter.split("\n\n")
    said = [sentence for paragraph in paragraphs for sentence in sentences(paragraph)]
    assert len(said) == len(set(said))
    assert paragraphs[0].startswith("TEST. ")
    assert paragraphs[1].startswith("De neste tolv ukene")
    assert "innen fem dager" in paragraphs[2]
    assert paragraphs[3] == (
        "Det står at du har skrevet et mål selv, men også at aktivitetsplanen ikke har noe mål. "
        "Det står at du ikke har vært i jobb før, men også at du har jobbet det siste året. "
        "Veilederen din spør deg om dette."
    )
    assert paragraphs[4] == "Det som står under, bygger på opplysningene slik de er nå."
    assert paragraphs[5].endswith("Derfor får du minst én samtale med en veileder.")
    assert paragraphs[6] == (
        "Du har vært registrert som arbeidssøker i tre uker. Du har et mål i aktivitetsplanen. "
        "Derfor passer «Dialog og videosamtaler» litt bedre for deg."
    )
    assert paragraphs[-1].startswith("Dette er et råd, ikke et vedtak.")


def test_where_a_person_must_look_first_the_plan_says_so_first_and_what_holds_until_then() -> None:
    texts = TEXTS["nb"]
    doubt = texts.doubt(Reader.USER, "HAS_JOB", CONTACT)
    told = texts.until(Reader.USER, [doubt], plan("nb", "SELF_SERVICE"))
    assert told.startswith("Det ser ut til at du snart er i jobb. Veilederen din tar kontakt")
    assert "Foreløpig foreslår vi dette: De neste tolv ukene" in told


def test_facts_come_before_what_follows_from_all_of_them() -> None:
    found = facts_first([["A. So X."], ["B.", "So Y."], ["C. So X."]])
    assert found == [["A.", "C.", "So X."], ["B.", "So Y."]]
    assert said_once([["A.", "B."], ["B."], ["B. C."]]) == [["A.", "B."], ["C."]]


def test_every_need_has_a_reason_for_every_channel() -> None:
    for texts in TEXTS.values():
        channels = {frozenset(cells) for cells in texts.entries["suitability"].values()}
        assert channels == {frozenset(texts.entries["channel"])}


def test_every_legal_basis_says_when_and_by_what_it_was_checked() -> None:
    for texts in TEXTS.values():
        for key, basis in texts.entries["legal"].items():
            assert texts.legal(key)
            assert basis["checked"].year >= 2026
            assert basis["source"]


def test_every_rule_need_contradiction_doubt_and_basis_has_its_texts_and_no_other_has() -> None:
    rules = a_decider().safeguards.rules
    for texts in TEXTS.values():
        for reader in Reader:
            own = texts.entries[reader.value]
            assert set(own["safeguard"]) == {rule.name for rule in rules}
            assert set(own["consequence"]) == set(STRICTEST_FIRST) == set(Requirement.__members__)
            assert set(own["doubt"]) == set(Doubt.__members__)
            assert set(own["contradiction"]) >= {one.name for one in CONTRADICTIONS}
        assert set(texts.entries["suitability"]) == {need.name for need in NEEDS}
        bases = {rule.legal_basis for rule in rules} | {need.legal_basis for need in NEEDS}
        assert set(texts.entries["legal"]) == bases
