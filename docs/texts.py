"""Writes all that people read of advice, a page for each language: `python -m docs.texts`.

The set is finite. Who changes a text sees on these pages what becomes of it; tests read the same
list, and hold the pages to it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from router.cases.features import FEATURES
from router.decision.catalogue import Channel
from router.decision.schema import Feature, Role
from router.policies.catalogue_file import load_catalogue
from router.serving.messages import contacts_of
from router.texts import STRICTEST_FIRST, Contact, Planned, Reader, Texts, load_texts
from router.texts.amounts import amount

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = load_catalogue(ROOT / "policies/mixes.toml")
CONTACTS = (Contact("55 55 33 33", 5), Contact("", 1), Contact("", 14))
POINTS = (0.012, 0.031, -0.012, -0.031)
# Name, whether there is a mix, whether people alone handle the case.
_KINDS_OF_NOTICE = (
    ("advice", True, False),
    ("withheld", False, False),
    ("people alone", False, True),
)
# Mixes that no catalogue of ours has, an agency's may.
ODD_PLANS = (
    ("every channel, twice", [Planned(channel.value, 2, 10, 1) for channel in Channel], 12),
    ("every channel, once", [Planned(channel.value, 1, 10, 1) for channel in Channel], 1),
    *((f"{channel.value} first", [Planned(channel.value, 3, 10, 1)], 26) for channel in Channel),
    *(
        (f"once in week {week} of {weeks}", [Planned("PHONE", 1, 18, week)], weeks)
        for week, weeks in ((1, 2), (2, 12), (3, 12), (14, 26))
    ),
    ("own work alone", [Planned("SELF_SERVICE", 3, 0, 1)], 2),
    ("daily messages", [Planned("DIALOGUE_MESSAGE", 84, 7, 1), Planned("PHONE", 2, 18, 1)], 12),
    ("own work last", [Planned("PHONE", 13, 18, 1), Planned("SELF_SERVICE", 1, 0, 2)], 12),
)
# Rules that come together, with what they demand.
SEVERAL = {
    "a wish and an interpreter": [
        ("WANTS_GUIDANCE", "PERSONAL_TALK"),
        ("INTERPRETER", "PERSONAL_TALK"),
    ],
    "sign language, far away": [
        ("SIGN_LANGUAGE", "PERSONAL_TALK"),
        ("FAR_FROM_OFFICE", "USABLE_CHANNELS"),
        ("WANTS_GUIDANCE", "PERSONAL_TALK"),
    ],
    "opted out, and long ago": [
        ("CONTACT_GAP", "PERSONAL_TALK"),
        ("DIGITALLY_RESERVED", "NO_DIGITAL_DEMAND"),
        ("WAITING_FOR_REPLY", "ADVISER_DIALOGUE"),
    ],
    "little is known": [
        ("HEALTH_HINDRANCE_UNKNOWN", "ADVISER_DIALOGUE"),
        ("LANGUAGE_SUPPORT_UNKNOWN", "ADVISER_DIALOGUE"),
        ("PREFERENCE_UNKNOWN", "ADVISER_DIALOGUE"),
        ("NEED_GROUP", "PERSONAL_TALK"),
    ],
    "people alone": [("SHIELDED", "MANUAL_ONLY")],
}


class Rendered(NamedTuple):
    """One text as it is read.

    Attributes:
        kind: of text.
        key: what it is about.
        user: as the user reads it; "" if never.
        adviser: as the adviser reads it; "" if never.
    """

    kind: str
    key: str
    user: str
    adviser: str


def rendered(texts: Texts) -> Iterator[Rendered]:
    """Gives all texts of a language."""
    yield Rendered("Test", "synthetic model", texts.test_line, texts.test_line)
    yield from _plans(texts)
    yield from _notices(texts)
    yield from _assessments(texts)
    yield from _safeguards(texts)
    yield from _reasons(texts)
    yield from _besides(texts)
    for field, direction in sorted(texts.change_keys()):
        told = [texts.change(reader, field, direction, CATALOGUE.ids[3]) for reader in Reader]
        yield Rendered("Changes", f"{field} {direction}", *told)
        told = [texts.same_change(reader, field, direction) for reader in Reader]
        yield Rendered("Changes to the same mix", f"{field} {direction}", *told)
    for need, channels in texts.entries["suitability"].items():
        for channel in channels:
            text = texts.suitability(need, channel)
            yield Rendered("What suits", f"{need} {channel}", "", text)


def shown(feature: Feature) -> list[int]:
    """Gives slots of a field that between them have every form of its sentences."""
    slots = range(1, feature.slots)
    if feature.values:
        return list(slots)
    found: dict[tuple[str, bool, bool, bool], int] = {}
    for slot in slots:
        value = feature.value(slot)
        assert isinstance(value, int)
        said = amount(feature, value)
        # Two of each: exact and rounded, in words and in digits.
        found.setdefault((said.form, said.rounded, said.number > 12, said.number == 2), slot)
    return sorted(found.values())


def _plans(texts: Texts) -> Iterator[Rendered]:
    for mix in CATALOGUE.mixes:
        told = [texts.plan(reader, contacts_of(mix), mix.weeks) for reader in Reader]
        yield Rendered("Plans", texts.mix(mix.id), *told)
    for name, odd, weeks in ODD_PLANS:
        told = [texts.plan(reader, odd, weeks) for reader in Reader]
        yield Rendered("Plans of other mixes", f"{name}, weeks: {weeks}", *told)


def _notices(texts: Texts) -> Iterator[Rendered]:
    for contact in CONTACTS:
        told = [texts.no_mix(reader, contact) for reader in Reader]
        yield Rendered("No advice", f"days: {contact.days}", *told)
    for name, mix, manual in _KINDS_OF_NOTICE:
        for digital in (True, False):
            for contact in CONTACTS[:2]:
                way = "digital" if digital else "not digital"
                phone = "phone" if contact.phone else "no phone"
                told = [
                    texts.notice(reader, contact, digital=digital, mix=mix, manual=manual)
                    for reader in Reader
                ]
                yield Rendered("Notices", f"{name}, {way}, {phone}", *told)
    yield Rendered("Notices", "before the others, of a model that has expired", "", texts.expired)


def _assessments(texts: Texts) -> Iterator[Rendered]:
    for name in texts.entries["user"]["doubt"]:
        for contact in CONTACTS:
            told = [texts.doubt(reader, name, contact) for reader in Reader]
            yield Rendered("Doubts", f"{name}, days: {contact.days}", *told)
    mix = CATALOGUE.mixes[0]
    contacts = contacts_of(mix)
    told = [texts.until(reader, [], texts.plan(reader, contacts, mix.weeks)) for reader in Reader]
    yield Rendered("Plans until then", "after doubts", *told)
    for name in texts.entries["user"]["contradiction"]:
        told = [texts.contradiction(reader, name) for reader in Reader]
        yield Rendered("Contradictions", name, *told)
    told = [texts.entries[reader.value]["as_it_stands"] for reader in Reader]
    yield Rendered("Contradictions", "after them, before what is told next", *told)


def _safeguards(texts: Texts) -> Iterator[Rendered]:
    for name in texts.entries["user"]["safeguard"]:
        yield Rendered("Safeguards", name, *(texts.safeguard(reader, name) for reader in Reader))
    for name in STRICTEST_FIRST:
        told = [texts.consequence(reader, name) for reader in Reader]
        yield Rendered("What follows from them", name, *told)
    for name, rules in SEVERAL.items():
        told = [" ".join(chain(*texts.grouped(reader, rules))) for reader in Reader]
        yield Rendered("Several safeguards", name, *told)
    for name in texts.entries["user"]["arrangement"]:
        for contact in CONTACTS:
            told = [texts.arrangement(reader, name, contact) for reader in Reader]
            yield Rendered("What is arranged", f"{name}, days: {contact.days}", *told)
    for key in texts.entries["legal"]:
        yield Rendered("Legal bases", key, "", texts.legal(key))


def _reasons(texts: Texts) -> Iterator[Rendered]:
    for feature in FEATURES.features:
        if Role.MODEL not in feature.roles:
            continue
        for slot in shown(feature):
            told = [
                texts.fact(reader, feature, slot) if texts.is_told(reader, feature, slot) else ""
                for reader in Reader
            ]
            yield Rendered("Facts", f"{feature.name} {feature.value(slot)}", *told)

    feature = FEATURES["weeks_registered"]
    for mix_id in CATALOGUE.ids:
        for points in POINTS:
            told = [
                texts.reason(reader, feature, feature.slot(5), points, mix_id)
                if reader is Reader.ADVISER or points > 0
                else ""
                for reader in Reader
            ]
            yield Rendered("Reasons", f"{mix_id} {points:+}", *told)


def _besides(texts: Texts) -> Iterator[Rendered]:
    mix, other = CATALOGUE.ids[2:4]
    for kind in texts.entries["user"]["general"]:
        for points in (POINTS[0], POINTS[2]):
            told = [
                texts.general(reader, kind, points, mix, other)
                if reader is Reader.ADVISER or points > 0
                else ""
                for reader in Reader
            ]
            yield Rendered("What decides besides", f"{kind} {points:+}", *told)
    told = [texts.compared(reader, other) for reader in Reader]
    yield Rendered("What decides besides", "compared", *told)
    told = [texts.near_equal(reader, mix, other) for reader in Reader]
    yield Rendered("Near equal", f"{mix} {other}", *told)
    yield Rendered("Near equal", f"{other}, just compared with", texts.rather(other), "")


def names(texts: Texts) -> Iterator[Rendered]:
    """Gives the names of a language: no sentences."""
    for section in ("mix", "channel", "status", "doubt", "feature"):
        for key, name in texts.entries[section].items():
            yield Rendered(f"Names: {section}", key, name, name)
    for feature in FEATURES.features:
        for slot in range(feature.slots) if feature.values else ():
            name = texts.value(feature, slot)
            yield Rendered("Names: values", f"{feature.name} {feature.value(slot)}", name, name)


def page(texts: Texts) -> str:
    """Writes the page of a language."""
    lines = [
        f"# All texts of an answer: {texts.language}",
        "",
        "Written by `python -m docs.texts` from `router/texts`. How to write one:",
        "[README.md](README.md). Each form of a sentence with a number is here.",
    ]
    kind = ""
    for one in [*rendered(texts), *names(texts)]:
        if one.kind != kind:
            kind = one.kind
            lines += ["", f"## {kind}", "", *_head(kind)]
        lines.append(_row(one))
    return "\n".join(lines) + "\n"


def _head(kind: str) -> list[str]:
    if kind.startswith("Names"):
        return ["| key | name |", "|---|---|"]
    return ["| key | user | adviser |", "|---|---|---|"]


def _row(one: Rendered) -> str:
    cells = [one.user] if one.kind.startswith("Names") else [one.user, one.adviser]
    return f"| `{one.key}` | " + " | ".join(cell or "–" for cell in cells) + " |"


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m docs.texts", description=__doc__).parse_args()
    folder = Path(__file__).with_suffix("")
    for language, texts in load_texts().items():
        (folder / f"{language}.md").write_text(page(texts), encoding="utf-8")
