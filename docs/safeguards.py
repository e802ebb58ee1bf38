"""Writes docs/safeguards.md from the rules themselves: `python -m docs.safeguards`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from router.cases.features import FEATURES
from router.decision.catalogue import Channel
from router.decision.contradictions import CONTRADICTIONS
from router.decision.rulebook import rulebook
from router.decision.schema import Feature
from router.decision.suitability import NEEDS, Need, Suitability
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from router.texts import Reader, Texts, load_texts

PAGE = Path(__file__).with_suffix(".md")
_POLICIES = Path("policies")

_TOP = """\
# Safeguards

Hard rules with a legal basis. A safeguard can only remove mixes with too little human contact, or that the user cannot
use. The running server lists them: `Models.ListSafeguards`. Days and counts are those of `policies/national.toml` as
shipped. This page is written by `python -m docs.safeguards`; a test holds it to the code.

**A lawyer must still confirm each legal basis**: they were gathered from public sources, with the dates in `[legal]` of
`router/texts/*.toml`.

## The rules

What a mix must have, from the mildest: ADVISER_DIALOGUE (any contact with an adviser), USABLE_CHANNELS (only channels that
serve), PERSONAL_TALK (phone, video or office), REMOTE_TALK (phone or video), MEETING (at the office), NO_DIGITAL_DEMAND (a
talk, and nothing digital), MANUAL_ONLY (people alone handle the case). Rules work together: a mix is permitted if all its
contacts can be held by channels that serve, and what is left of it has what every rule demands.
"""

_NEEDS = """\
## Needs and channels

Where a channel does not serve (✗), no mix is permitted in which nothing takes its place: the catalogue says with `instead`
which channel does, and the answer says so (`in_place_of`). ✓ serves; ★ is wished for, and every permitted mix has one of
these; (✓) serves, but is too much to ask for unless it is wished or nothing else is left. The reason of each cell, in
three languages, is told by `ListSafeguards`.
"""

_WORSE = """\
## What is worse

A worse value never means fewer adviser minutes, all else being equal, whatever the status. From the mildest to the worst;
what is left out stands in no order. The order is data, in the annotations of `proto/router/v1/case.proto`.
"""

_WHY = """\
Why it holds:

- Rules of worse values only take mixes away, or demand more. Where that would take away a mix between lighter and heavier
  ones that is worth more than what is left, the decision is lifted to the next heavier one.
- Tables are learned under the order: a worse value only adds to what a heavier mix is worth against a lighter one
  ([method.md](method.md)). So the best of any set of mixes is never lighter (Topkis 1978). Every version's report says
  whether its tables hold to it, and lists the exceptions if not.
- Weights of the weakest-first order may not fall with need (`weights` in [offices.md](offices.md)).
- Doubts change the status and never the mix. They depend on the facts alone: not on the price, the budget or the hours.

The properties are proven over every value of every field that a rule reads, over the combinations of rules that 30,000
drawn cases have, and over catalogues without an order (`tests/unit/router/decision/test_safeguards.py`,
`test_severity.py`).

Where it does not hold, by design:

- `travel_minutes_band` has no order. Over 60 minutes of travel take meetings at the office away unless they are wished for
  or nothing else is left, so that somebody far away may get fewer minutes, by phone and video, than somebody near.
- `PREFERS_REMOTE_TALK` stands in no order with the other preferences. The wish is met by phone or video, which may be fewer
  minutes than meetings at the office; a talk it always is.
- Unknown values stand in an order where a rule gives them one. To the model of other fields unknown is a value of its own.
"""

_CONTRADICTIONS = """\
## Facts that contradict each other

Two facts that do not fit make a doubt of their own: a person must ask first, and the answer names the fields
(`contradictions`). What is unknown contradicts nothing. So does a job to go to (`HAS_JOB`: NEW_JOB, or 0 weeks expected
until work): the question is then no longer how to find one.
"""


def page() -> str:
    """Gives the page as the code has it."""
    catalogue = load_catalogue(_POLICIES / "mixes.toml")
    policy = load_policies(_POLICIES, catalogue).usable("")
    texts = load_texts()["en"]
    rules = [
        (
            rule.name,
            rule.feature,
            FEATURES[rule.feature].in_words(rule.slots),
            rule.effect.requirement.value,
            texts.legal(rule.legal_basis),
        )
        for rule in rulebook(FEATURES, policy.limits)
    ]
    worse = [(feature.name, _order(feature)) for feature in FEATURES.features if feature.severity]
    parts = [
        _TOP,
        _table(("safeguard", "field", "applies when", "a mix must have", "legal basis"), rules),
        _NEEDS,
        _table(
            ("need", "field", *(channel.value for channel in Channel), "legal basis"),
            (_need(need, texts) for need in NEEDS),
        ),
        _WORSE,
        _table(("field", "from the mildest to the worst"), worse),
        _WHY,
        _CONTRADICTIONS,
        _table(
            ("contradiction", "fields", "what is said"),
            (
                (one.name, ", ".join(one.fields), texts.contradiction(Reader.ADVISER, one.name))
                for one in CONTRADICTIONS
            ),
        ),
    ]
    return "\n".join(parts)


def _need(need: Need, texts: Texts) -> Iterator[str]:
    signs = {
        Suitability.SERVES: "✓",
        Suitability.DOES_NOT_SERVE: "✗",
        Suitability.IF_WISHED: "(✓)",
        Suitability.WISHED: "★",
    }
    yield need.name
    yield f"{need.feature} {' or '.join(need.values)}"
    yield from (signs[need.of(channel)] for channel in Channel)
    yield texts.legal(need.legal_basis) if need.channels else "–"


def _order(feature: Feature) -> str:
    if not feature.values:
        rising = feature.severity[0][0] < feature.severity[-2][0]
        last = ", unknown is worst" if feature.severity[-1] == (0,) else ""
        return f"the {'more' if rising else 'fewer'} {feature.unit} the worse{last}"
    return ", ".join(feature.in_words(step) for step in feature.severity)


def _table(head: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    lines = [f"| {' | '.join(line)} |" for line in (head, *rows)]
    lines.insert(1, "|---" * len(head) + "|")
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
