"""Rules that hold for all text that people read: plain, in one language, by one lexicon.

They find what a machine can find. A reader of the language still has to read the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

LONGEST = 20
"""Words that a sentence may have."""
HARDEST_LIX = 40.0
HARDEST_GRADE = 8.0

FORBIDDEN: dict[str, dict[str, str]] = {
    "nb": {
        r"\bframfor\b": "heller enn",
        r"\bmennesker?\b|\bmennesket\b|\bsaksbehandler\w*": "veileder",
        r"\bsvak\b": "say what is hard",
        r"\bukjent\b": "ikke oppgitt, vi vet ikke",
        r"\bdigitale krav\b": "du trenger ikke bruke",
        r"\bgjenbruk\w*": "brukt på nytt",
        r"\bpolicy\w*": "retningslinjer",
        r"\bUTC\b": "a date is enough",
        r"gjort rede for": "fordelt",
        r"\bskjermet\b|\bskjermede\b": "never told",
        r"\bminst en\b": "minst én",
        r"\banbefal\w*": "råd",
        r"\bavgjørelse\w*|\bbeslutning\w*": "vedtak",
        r"\bkanalmiks\w*": "type oppfølging",
        r"\binnsats\w*": "oppfølging",
        r"\bover fristen\b": "der fristen har gått ut",
        r"\bser like god": "ser ut til å passe like godt",
    },
    "nn": {
        r"\bmenneske\w*|\bsaksbehandlar\w*": "rettleiar",
        r"\bveik\b": "say what is hard",
        r"\bdugleik\w*": "ferdigheiter",
        r"\battverande\b": "som er igjen",
        r"\bikkje kjend\b|\bukjend\b": "ikkje oppgitt, vi veit ikkje",
        r"\bdigitale krav\b": "du treng ikkje bruke",
        r"\bpolicy\w*": "retningslinjer",
        r"\bUTC\b": "a date is enough",
        r"gjort greie for": "fordelt",
        r"\bskjerma\b": "never told",
        r"\bminst ein\b": "minst éin",
        r"\bvart\b|\bvorten\b": "blei, blitt",
        r"\bbyrj\w*": "start",
        r"\bdifor\b": "derfor",
        r"\b(behandlar|vurdere|gav|då) ho\b|\bho\b": "saka",
        r"\btilråd\w*": "råd",
        r"\bavgjerd\w*": "vedtak",
        r"\bkanalmiks\w*": "type oppfølging",
        r"\bover fristen\b": "der fristen har gått ut",
        r"\bser like god": "ser ut til å passe like godt",
        r"\bskilnad\w*": "forskjell",
    },
    "en": {
        r"\bspeaks? (for|against)\b": "makes a better or worse fit",
        r"\b(phone|video|office) talks?\b|\btalks\b|\b(a|one) talk\b": "conversation, call",
        r"\bdemanded\b": "you do not have to",
        r"\bhindrances?\b": "something that makes work hard",
        r"\bweak\b": "say what is hard",
        r"\breckon\w*": "count, allow",
        r"\bunaccounted\b": "not allocated",
        r"\bre-used\b": "used again",
        r"\bpractice before\b": "earlier practice",
        r"\bshielded\b": "never told",
        r"\bheld-out\b|\bunexplained\b": "test cases",
        r"\bdigital skill\b": "digital skills",
        r"\belectronic identity\b": "electronic ID",
        r"\bmanual follow-up\b": "non-digital follow-up",
        r"\bdigital dialog(ue)?\b": "written dialogue",
        r"\bno proven\b|\bno difference is proven\b": "no evidence of",
    },
}
"""What may not be written, by language, and what to write instead."""

OTHER_LANGUAGE = {
    "nb": r"\b(ikkje|frå|meir|berre|noko|nokon|ein|eit|korleis|kven|saka|helsa|rettleiar\w*|veker"
    r"|timar|tenester|mogleg\w*)\b",
    "nn": r"\b(ikke|fra|mer|bare|noe|noen|en|et|hvordan|hvem|hvor|veileder\w*|uker|timer|tjenester"
    r"|mulig\w*|fordi at|også|jeg|saken|enheten\w*)\b",
}
PASSIVE = {
    "nb": r"\b(stilles|behandles|vises|vurderes|skilles|følges|blandes|rettes|spørres|regnes"
    r"|prioriteres|brukes|frigjøres)\b|\b(er|ble|blir) \w+(et|t|dd) av\b",
    "nn": r"\b(blir|blei|er) (\w+ )?(stilte?|behandla|viste?|vurdert|følgt|blanda|retta|spurt"
    r"|rekna|frigjorde|brukte)\b",
    # What "cannot be told" nobody can tell: there the doer does not matter.
    "en": r"(?<!cannot )\b(is|are|was|were|be|been) (\w+ )?(demanded|followed|told|shown|handled"
    r"|assessed|released|used|departed|judged)\b",
}


def sentences(text: str) -> list[str]:
    """Splits text at signs that end a sentence, a colon before a capital among them."""
    return [one for one in re.split(r"(?<=[.!?:])\s+(?=[A-ZÆØÅ«“{])", text.strip()) if one]


def words(text: str) -> list[str]:
    """Gives the words of a text; a place to fill, and a number with its parts, are a word each."""
    # A no-break space within a number does not make two words of it.
    joined = re.sub(r"(?<=\d)[\u00a0,.](?=\d)", "", text)
    return re.findall(r"\{?[\w'’§%-]+\}?", joined)


def is_prose(text: str) -> bool:
    """Tells a sentence from a label, which has no end."""
    return bool(re.search(r"\w.*[.!?]$", text.strip(), re.DOTALL))


def lix(texts: Iterable[str]) -> float:
    """Gives the readability index of Björnsson: words a sentence, and long words per hundred."""
    count, spoken = _counted(texts)
    long = sum(len(re.sub(r"\W", "", word)) > 6 for word in spoken)
    return len(spoken) / count + 100 * long / len(spoken)


def grade(texts: Iterable[str]) -> float:
    """Gives the school grade of Flesch and Kincaid: words a sentence, and syllables a word."""
    count, spoken = _counted(texts)
    syllables = sum(_syllables(word) for word in spoken)
    return 0.39 * len(spoken) / count + 11.8 * syllables / len(spoken) - 15.59


def _counted(texts: Iterable[str]) -> tuple[int, list[str]]:
    every = [one for text in texts for one in sentences(text)]
    return len(every), [word for one in every for word in words(one)]


def _syllables(word: str) -> int:
    """Counts groups of vowels, less a silent e at the end; a number or a place counts as one."""
    lower = word.lower()
    if not lower.isalpha():
        parts = [part for part in re.split(r"[^a-z]+", lower) if part]
        return max(1, sum(map(_syllables, parts))) if "{" not in word else 1
    # The endings that are written with an e that nobody says.
    spoken = re.sub(r"(?<=[^laeiouy])es?$|(?<=[^aeioutd])ed$", "", lower)
    return max(1, len(re.findall(r"[aeiouy]+", spoken)))


def faults(language: str, text: str) -> Iterator[str]:
    """Finds what breaks a rule in one text: words, language, passives, length, signs."""
    for pattern, better in FORBIDDEN[language].items():
        if found := re.search(pattern, text, re.IGNORECASE):
            yield f"{found.group()!r}: write {better}"
    if language in OTHER_LANGUAGE and (found := re.search(OTHER_LANGUAGE[language], text)):
        yield f"{found.group()!r} is of the other language"
    if found := re.search(PASSIVE[language], text):
        yield f"{found.group()!r}: who does it?"
    for one in sentences(text):
        if len(words(one)) > LONGEST:
            yield f"{len(words(one))} words: {one}"
    yield from _signs(language, text)


def _signs(language: str, text: str) -> Iterator[str]:
    for pattern, problem in (
        (r"\d-\d", "a range takes an en dash"),
        (r"\d %", "number and per cent are joined by a no-break space"),
        (r"§ \d", "sign and section are joined by a no-break space"),
        (r", (eller|or) (ikke|ikkje|vi vet|vi veit|is not|we do not)\b", "two facts in one"),
        ('"', "quotes are « » or “ ”"),
    ):
        if re.search(pattern, text):
            yield problem
    if language != "en" and re.search(r"%\s(intervall|spenn)", text):
        yield "one word: %-intervall"
    if language != "en" and re.search(r"\b1 (\w+er|\w+ar)\b", text):
        yield "one of a thing is no plural"
    if language == "en" and re.search(r"\d[\s\u00a0]%", text):
        yield "English joins number and per cent"
