"""Every text is plain and correct: what docs/texts/README.md asks for is checked on all of them."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import permutations

import pytest

from docs.texts import CATALOGUE, Rendered, names, rendered
from router.cases.features import FEATURES
from router.texts import LANGUAGES, Reader, load_texts
from router.texts.letters import sentences
from tests.plain_language import HARDEST_GRADE, HARDEST_LIX, faults, grade, lix

TEXTS = load_texts()
NOT_SENTENCES = {"Legal bases"}
NUMBER_WORDS = {
    "nb": "to|tre|fire|fem|seks|sju|åtte|ni|ti|elleve|tolv",
    "nn": "to|tre|fire|fem|seks|sju|åtte|ni|ti|elleve|tolv",
    "en": "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve",
}
# Beside what no text of the project may say: what is not said of people or of what they get.
NOT_IN_ANSWERS = {
    "nb": r"selvbetjening|digital dialog|klient|kandidat|ferdighet|uvanlig|flink|lat|umotivert",
    "nn": r"sjølvbetening|digital dialog|klient|kandidat|uvanleg|flink|lat|umotivert|framfor",
    "en": r"talks?|recommend\w*|persons|client|self-service|unusual|manual|lazy|unmotivated",
}
OTHER_LANGUAGE = {
    "nb": r"kva|kvar|dei|vere|gonger|sidan|brukar\w*|òg|dersom|skriv vi",
    "nn": r"hva|hver|de|være|ganger|siden|bruker(en|ne)|hvis|selv|måneder|dager|vurderingen"
    r"|opplysningene",
}
# Only an adviser reads that a case is shielded.
SHIELDED = {"Safeguards: SHIELDED, adviser", "Several safeguards: people alone, adviser"}
# One term, one word in each language.
LEXICON = (
    (r"veileder", r"rettleiar", r"adviser"),
    (r"\bråd\b", r"\bråd\b", r"\badvice\b|\badvised?\b"),
    (r"vedtak", r"vedtak", r"formal decision"),
    (r"oppfølging", r"oppfølging", r"follow-up"),
    (r"telefonsamtale", r"telefonsamtal", r"phone call"),
    (r"videosamtale", r"videosamtal", r"video call"),
    (r"på kontoret", r"på kontoret", r"at the office"),
    (r"aktivitetsplanen", r"aktivitetsplanen", r"activity plan"),
    (r"dialogen", r"dialogen", r"dialogue"),
    (r"\btolk\b", r"\btolk\b", r"interpreter"),
    (r"elektronisk ID", r"elektronisk ID", r"electronic ID"),
    (r"digitale ferdigheter", r"digitale ferdigheiter", r"digital skills"),
    (r"digitale tjenester", r"digitale tenester", r"digital services"),
    (r"\bsøknad", r"\bsøknad", r"application"),
    (r"\bbrukeren\b", r"\bbrukaren\b", r"\buser\b"),
    (r"\bmeldinger\b", r"\bmeldingar\b", r"messages"),
    (r"\bprosentpoeng\b", r"\bprosentpoeng\b", r"percentage points"),
)


@cache
def all_of(language: str) -> list[Rendered]:
    """Gives every text of a language: those of the page, and each fact at every number."""
    texts = TEXTS[language]
    facts = [
        Rendered(
            "Facts",
            f"{feature.name} {slot}",
            *(
                texts.fact(reader, feature, slot) if texts.is_told(reader, feature, slot) else ""
                for reader in Reader
            ),
        )
        for feature in FEATURES.features
        for slot in range(1, feature.slots)
        if texts.is_told(Reader.ADVISER, feature, slot)
    ]
    pairs = [
        Rendered(
            "Pairs of mixes",
            f"{kind} {mix} {other}",
            texts.general(Reader.USER, kind, 0.012, mix, other),
            " ".join(
                [
                    texts.general(Reader.ADVISER, kind, 0.012, mix, other),
                    texts.general(Reader.ADVISER, kind, -0.012, mix, other),
                    texts.near_equal(Reader.ADVISER, mix, other),
                ]
            ),
        )
        for kind in texts.entries["user"]["general"]
        for mix, other in permutations(CATALOGUE.ids, 2)
    ]
    changes = [
        Rendered(
            "Changes",
            f"{field} {mix}",
            *(texts.change(reader, field, direction, mix) for reader in Reader),
        )
        for field, direction in sorted(texts.change_keys())
        for mix in CATALOGUE.ids
    ]
    return [*rendered(texts), *facts, *pairs, *changes]


def each(language: str, reader: Reader | None = None) -> Iterator[tuple[str, str]]:
    """Gives texts with what they are about, for one reader or both; equal ones of a kind once."""
    for (_, who, text), about in _distinct(language).items():
        if reader in {None, who}:
            yield about, text


@cache
def _distinct(language: str) -> dict[tuple[str, Reader, str], str]:
    found: dict[tuple[str, Reader, str], str] = {}
    for one in all_of(language):
        for who, text in zip(Reader, (one.user, one.adviser), strict=True):
            if text:
                about = f"{one.kind}: {one.key}, {who.value}"
                found.setdefault((one.kind, who, text), about)
    return found


def found(pattern: str, text: str) -> str:
    match = re.search(rf"\b({pattern})\b", text, re.IGNORECASE)
    return match.group() if match else ""


def hardness(language: str, texts: list[str]) -> float:
    """Gives how hard texts are to read, as a share of what is permitted."""
    return grade(texts) / HARDEST_GRADE if language == "en" else lix(texts) / HARDEST_LIX


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_keeps_the_rules_of_plain_language(language: str) -> None:
    for about, text in each(language):
        if about not in SHIELDED and about.split(":")[0] not in NOT_SENTENCES:
            assert not list(faults(language, text)), (about, text)
        assert not found(NOT_IN_ANSWERS[language], text), (about, text)


@pytest.mark.parametrize("language", ["nb", "nn"])
def test_no_text_has_a_word_of_the_other_language(language: str) -> None:
    for about, text in [*each(language), *((one.key, one.user) for one in names(TEXTS[language]))]:
        assert not found(OTHER_LANGUAGE[language], text), (about, text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reader", Reader)
def test_every_kind_of_text_is_easy_to_read(language: str, reader: Reader) -> None:
    kinds = defaultdict(list)
    # The texts of the page: of numbers, each form once.
    for one in rendered(TEXTS[language]):
        text = one.user if reader is Reader.USER else one.adviser
        if text and one.kind not in NOT_SENTENCES:
            kinds[one.kind].append(text)
    for kind, texts in kinds.items():
        assert hardness(language, texts) <= 1, kind


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reader", Reader)
def test_reasons_of_every_value_are_easy_to_read(language: str, reader: Reader) -> None:
    texts = TEXTS[language]
    reasons = [
        texts.reason(reader, feature, slot, 0.012, mix)
        for feature in FEATURES.features
        for slot in range(1, feature.slots if feature.values else 1)
        if texts.is_told(reader, feature, slot)
        for mix in CATALOGUE.ids
    ]
    assert hardness(language, reasons) <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_whole_sentences(language: str) -> None:
    for about, text in each(language):
        if about.split(":")[0] not in NOT_SENTENCES:
            assert re.match(r"[A-ZÆØÅÉ«“]", text), (about, text)
            assert text.endswith("."), (about, text)
            assert "  " not in text, (about, text)
            assert "{" not in text, (about, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_and_nouns_agree(language: str) -> None:
    one = {"nb": "1|én|ett|éi", "nn": "1|éin|eitt|éi", "en": "1|one"}[language]
    plural = {"nb": r"\w+er", "nn": r"\w+(ar|er)", "en": r"\w+s"}[language]
    for about, text in each(language):
        # "one weeks", and "two week".
        assert not found(rf"({one}) {plural}", text), (about, text)
        assert not found(r"0 \w+|zero|null", text.replace("\u00a0", "")), (about, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_has_numbers_in_words_or_in_digits(language: str) -> None:
    for about, text in each(language):
        for sentence in sentences(text):
            # What an adviser's figure in brackets says is a figure.
            plain = re.sub(r"\([^)]*\)", "", sentence)
            if re.search(r"\d", plain):
                assert not found(NUMBER_WORDS[language], plain), (about, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_signs_are_those_of_print(language: str) -> None:
    for about, text in [*each(language), *((one.key, one.user) for one in names(TEXTS[language]))]:
        if not about.startswith("Legal bases"):
            assert not re.search(r"\d-\d", text), (about, text)
        assert not re.search(r"\d [%a]\b|§ |sections? \d", text), (about, text)
        assert '"' not in text, (about, text)
        assert not re.search(r": [a-zæøå]", text), (about, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_quotes_stand_round_names_of_mixes_only(language: str) -> None:
    mixes = set(TEXTS[language].entries["mix"].values())
    for about, text in each(language):
        quoted = re.findall(r"“([^”]*)”" if language == "en" else r"«([^»]*)»", text)
        assert set(quoted) <= mixes, (about, text)
        for name in mixes:
            assert text.count(name) == quoted.count(name), (about, text)


def test_one_term_is_one_word_in_each_language() -> None:
    for nb, nn, en in zip(*(all_of(language) for language in LANGUAGES), strict=True):
        assert nb.kind == nn.kind
        for terms in LEXICON:
            for place in (2, 3):
                if re.search(terms[0], nb[place], re.IGNORECASE):
                    assert re.search(terms[1], nn[place], re.IGNORECASE), (terms, nb.key, nn[place])
                    assert re.search(terms[2], en[place], re.IGNORECASE), (terms, nb.key, en[place])


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_fact_a_text_and_none_that_is_unknown_or_either(language: str) -> None:
    either = r", (eller|or) (ikke|ikkje|vi vet|vi veit|is not|we do not)"
    for about, text in each(language):
        assert not found(either, text), (about, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_promises_contact_says_until_when(language: str) -> None:
    contact = {"nb": r"tar? kontakt", "nn": r"(ta|tek) kontakt", "en": r"contact (you|the user)"}
    until = {"nb": " innen", "nn": " innan", "en": " within"}[language] + r" [\wéi]+ (dag|day)"
    promises = 0
    for about, text in each(language):
        made = len(re.findall(rf"(?i)\b{contact[language]}\b", text))
        assert made == len(re.findall(rf"(?i)\b{contact[language]}{until}", text)), (about, text)
        promises += made
    assert promises > 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_users_never_read_of_shielding_age_need_groups_or_benefits(language: str) -> None:
    hidden = {
        "nb": r"skjerm\w*|arbeidsevne|dagpenger|ytelse\w*|alder|diagnose|sykdom",
        "nn": r"skjerm\w*|arbeidsevne|dagpengar|yting\w*|alder|diagnose|sjukdom",
        "en": r"shield\w*|protected|work capacity|benefits?|age|diagnosis|illness",
    }[language]
    for about, text in each(language, Reader.USER):
        assert not found(hidden, text), (about, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_users_are_spoken_to_and_advisers_read_of_the_user(language: str) -> None:
    third = {"nb": "brukeren", "nn": "brukaren", "en": "the user"}[language]
    second = {"nb": "du|deg|din|ditt|dine", "nn": "du|deg|din|di|ditt|dine", "en": "you|your"}
    gendered = {"nb": "han|hun|hen|hans|hennes", "nn": "han|ho|hen|hans|hennar", "en": "he|she|his"}
    for about, text in each(language, Reader.USER):
        assert not found(third, text), (about, text)
    for about, text in each(language, Reader.ADVISER):
        assert not found(gendered[language], text), (about, text)
        # What is asked of an adviser is: "you call the user".
        if not about.startswith(("Notices", "Plans")):
            unquoted = re.sub(r"“[^”]*”", "", text)
            assert not found(second[language], unquoted), (about, text)


def test_a_slot_is_filled_with_a_number_a_name_or_a_way_to_reach_people() -> None:
    slots = {"n", "times", "span", "mix", "other", "advice", "points", "phone", "basis"}
    problems = {"field", "lower", "upper", "values"}
    for texts in TEXTS.values():
        for section, entries in texts.entries.items():
            allowed = problems if section == "problem" else slots
            assert set(re.findall(r"{(\w+)}", str(entries))) <= allowed, section
