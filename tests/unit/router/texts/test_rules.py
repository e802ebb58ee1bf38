"""Every text is plain and correct: what docs/texts/README.md asks for is checked on all of them."""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import permutations

import pytest

from docs.texts import CATALOGUE, Rendered, names, rendered
from router.cases.features import FEATURES
from router.texts import LANGUAGES, Reader, load_texts
from router.texts.letters import sentences

TEXTS = load_texts()
NOT_SENTENCES = {"Legal bases"}
LONGEST_SENTENCE = 20
LIX, FLESCH_KINCAID = 40, 8
NUMBER_WORDS = {
    "nb": "to tre fire fem seks sju åtte ni ti elleve tolv",
    "nn": "to tre fire fem seks sju åtte ni ti elleve tolv",
    "en": "two three four five six seven eight nine ten eleven twelve",
}
# Of each word, what stands in its place is in docs/texts/README.md.
FORBIDDEN = {
    "nb": r"framfor|mennesker?|mennesket|svak|ukjent|digitale krav|gjenbruk\w*|policy|UTC"
    r"|gjort rede for|minst en|anbefal\w*|selvbetjening|digital dialog|beslutning|saksbehandler"
    r"|klient|kandidat|innsats|ferdighet|liten mulighet for deg|uvanlig",
    "nn": r"menneske|veik|dugleik|attverande|ikkje kjend|ukjend|digitale krav|policy\w*|UTC"
    r"|gjort greie for|minst ein|vart|vorten|byrj|tilråd\w*|sjølvbetening|digital dialog|avgjerd"
    r"|klient|kandidat|innsats|uvanleg|difor|framfor",
    "en": r"speaks? (for|against)|talks?|demanded|hindrances?|weak|reckon|unaccounted|shielded"
    r"|recommend\w*|persons|a person must|client|office talk|digital dialogue|self-service|unusual"
    r"|manual",
}
CROSS = {
    "nb": r"ikkje|frå|meir|berre|noko|nokon|ein|eit|korleis|kven|saka|helsa|rettleiar\w*|veker"
    r"|timar|tenester|mogleg\w*|kva|kvar|dei|vere|gonger|sidan|brukar\w*|òg|dersom|skriv vi",
    "nn": r"ikke|fra|mer|bare|noe|noen|en|et|hvordan|hvem|veileder\w*|uker|timer|tjenester"
    r"|mulig\w*|fordi at|også|hva|hver|de|være|ganger|siden|bruker(en|ne)|hvis|selv|jeg|måneder"
    r"|dager|søknader de|vurderingen|opplysningene|saken|din sak",
}
PASSIVE = {
    "nb": r"stilles|behandles|vises|vurderes|skilles|følges|blandes|rettes|spørres|regnes|brukes"
    r"|prioriteres|(er|ble|blir) \w+(et|t|dd) av",
    "nn": r"(blir|vart|blei|vorte|er) (\w+ )?(stilte?|behandla|viste?|følgt|blanda|retta|spurt"
    r"|rekna|haldne|frigjorde|brukte)",
    "en": r"(is|are|was|were|be|been) (\w+ )?(demanded|followed|told|shown|handled|assessed"
    r"|released|used|departed|judged)",
}
JUDGING = {"nb": r"flink|lat|umotivert", "nn": r"flink|lat|umotivert", "en": r"lazy|unmotivated"}
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
            *(texts.change(field, direction, mix, reader) for reader in Reader),
        )
        for field, direction in sorted(texts.change_keys())
        for mix in CATALOGUE.ids
    ]
    return [*rendered(texts), *facts, *pairs, *changes]


ALL = {language: all_of(language) for language in LANGUAGES}


def each(language: str, reader: Reader | None = None) -> Iterator[tuple[str, str]]:
    """Gives texts with what they are about, for one reader or for both."""
    for one in ALL[language]:
        for who, text in zip(Reader, (one.user, one.adviser), strict=True):
            if text and reader in {None, who}:
                yield f"{one.kind}: {one.key}, {who.value}", text


def found(pattern: str, text: str) -> str:
    match = re.search(rf"\b({pattern})\b", text, re.IGNORECASE)
    return match.group() if match else ""


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", text)


def lix(text: str) -> float:
    """Björnsson's measure: words a sentence, and the per cent of words over six letters."""
    all_words = words(text)
    long = [word for word in all_words if len(word) > 6]
    return len(all_words) / len(sentences(text)) + 100 * len(long) / len(all_words)


def syllables(word: str) -> int:
    word = re.sub(r"[^a-z]", "", word.lower())
    groups = len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[^aeiouyl])e(s|d)?$", "", word)))
    return max(1, groups)


def flesch_kincaid(text: str) -> float:
    """The grade at school that a text asks for."""
    all_words = words(text)
    a_word = sum(map(syllables, all_words)) / len(all_words)
    return 0.39 * len(all_words) / len(sentences(text)) + 11.8 * a_word - 15.59


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_longer_than_twenty_words(language: str) -> None:
    for about, text in each(language):
        for sentence in sentences(text):
            assert len(re.findall(r"[\w'’-]+", sentence)) <= LONGEST_SENTENCE, (about, sentence)


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
        joined = " ".join(texts)
        if language == "en":
            assert flesch_kincaid(joined) <= FLESCH_KINCAID, kind
        else:
            assert lix(joined) <= LIX, kind


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reader", Reader)
def test_every_single_reason_is_easy_to_read(language: str, reader: Reader) -> None:
    texts, measure = TEXTS[language], flesch_kincaid if language == "en" else lix
    scores = [
        measure(texts.reason(reader, feature, slot, 0.012, "BLENDED_VIDEO"))
        for feature in FEATURES.features
        for slot in range(1, feature.slots if feature.values else 1)
        if texts.is_told(reader, feature, slot)
    ]
    assert sum(scores) / len(scores) <= (FLESCH_KINCAID if language == "en" else LIX)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_has_a_forbidden_word(language: str) -> None:
    for about, text in each(language):
        assert not found(FORBIDDEN[language], text), (about, text)
        assert not found(JUDGING[language], text), (about, text)


@pytest.mark.parametrize("language", ["nb", "nn"])
def test_no_text_has_a_word_of_the_other_language(language: str) -> None:
    for about, text in [*each(language), *((one.key, one.user) for one in names(TEXTS[language]))]:
        assert not found(CROSS[language], text), (about, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_somebody_does_something(language: str) -> None:
    for about, text in each(language):
        assert not found(PASSIVE[language], text), (about, text)


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
                assert not found(NUMBER_WORDS[language].replace(" ", "|"), plain), (about, text)


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
    for nb, nn, en in zip(*(ALL[language] for language in LANGUAGES), strict=True):
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
    slots = {"n", "times", "span", "mix", "other", "points", "phone"}
    problems = {"field", "lower", "upper", "values"}
    for texts in TEXTS.values():
        for section, entries in texts.entries.items():
            allowed = problems if section == "problem" else slots
            assert set(re.findall(r"{(\w+)}", str(entries))) <= allowed, section
