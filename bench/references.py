"""`python -m bench.references`: how often references are refused wrongly, and numbers let by.

A million strings of each kind, from a seeded generator. The numbers are SYNTHETIC.
"""

from __future__ import annotations

import argparse
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from router.cases.cells import text_problems
from router.cases.features import CASE_REF, REFERENCES
from router.cases.national_id import SUSPECT, holds_national_id

SEED = 13
RULE = REFERENCES[CASE_REF]

Draw = random.Random
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NANOID = "useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict"
_HEX = "0123456789abcdef"
# From November 2026 on, a year long: what a time-ordered id begins with.
_BEGAN, _YEAR = 1_793_664_000_000, 365 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of good references.

    Attributes:
        one: draws one.
        most_per_million: refused ones that are put up with.
    """

    one: Callable[[Draw], str]
    most_per_million: float


def drawn_uuid(draw: Draw, version: int) -> uuid.UUID:
    """Draws a UUID of version 4, or of version 7 with a time of its own."""
    number = draw.getrandbits(128)
    if version == 7:
        number = (_BEGAN + draw.randrange(_YEAR)) << 80 | number & (1 << 80) - 1
    number = number & ~(0xF << 76) | version << 76
    return uuid.UUID(int=number & ~(0x3 << 62) | 0x2 << 62)


def _of(alphabet: str, length: int) -> Callable[[Draw], str]:
    return lambda draw: "".join(draw.choices(alphabet, k=length))


def _running(digits: int) -> Callable[[Draw], str]:
    return lambda draw: f"{draw.randrange(10 ** (digits - 1), 10**digits)}"


def _ulid(draw: Draw) -> str:
    number = (_BEGAN + draw.randrange(_YEAR)) << 80 | draw.getrandbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -5, -5))


def _archive(draw: Draw) -> str:
    return f"{draw.randrange(2015, 2040)}/{draw.randrange(1, 10**6)}-{draw.randrange(1, 200)}"


UUIDS = {
    "UUIDv4": lambda draw: str(drawn_uuid(draw, 4)),
    "UUIDv4, no dashes": lambda draw: drawn_uuid(draw, 4).hex,
    "UUIDv7": lambda draw: str(drawn_uuid(draw, 7)),
    "UUIDv7, no dashes": lambda draw: drawn_uuid(draw, 7).hex,
}
TYPICAL = {
    **{name: Kind(one=one, most_per_million=0) for name, one in UUIDS.items()},
    "8 digits": Kind(one=_running(8), most_per_million=0),
    "9 digits": Kind(one=_running(9), most_per_million=0),
    "10 digits": Kind(one=_running(10), most_per_million=0),
    "11 digits, any": Kind(one=_running(11), most_per_million=310_000),
    "11 digits, year first": Kind(
        one=lambda draw: f"{draw.randrange(2015, 2040)}{draw.randrange(10**7):07}",
        most_per_million=0,
    ),
    "12 digits": Kind(one=_running(12), most_per_million=0),
    "SAK-2026-0012345": Kind(
        one=lambda draw: f"SAK-{draw.randrange(2015, 2040)}-{draw.randrange(10**7):07}",
        most_per_million=0,
    ),
    "2026/12345-7": Kind(one=_archive, most_per_million=0),
    "base32, 26": Kind(one=_of(_BASE32, 26), most_per_million=10),
    "ULID": Kind(one=_ulid, most_per_million=50),
    "nanoid, 21": Kind(one=_of(_NANOID, 21), most_per_million=10),
    "SHA-1": Kind(one=_of(_HEX, 40), most_per_million=1_000),
    "SHA-256": Kind(one=_of(_HEX, 64), most_per_million=1_000),
}
"""Good references, and how many of a million may be refused."""


_FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def a_number(draw: Draw) -> str:
    """Draws a synthetic number with control digits: of birth, D-, H-, of either test series.

    By the rule of today or that of 2032, by which the first remainder may be 0 to 3.
    """
    while True:
        day = draw.randint(1, 28) + draw.choice((0, 40))
        month = draw.randint(1, 12) + draw.choice((0, 40, 65, 80))
        found = f"{day:02}{month:02}{draw.randrange(10**5):05}"
        for weights, remainder in ((_FIRST, draw.randrange(4)), (_SECOND, 0)):
            summed = sum(w * int(d) for w, d in zip(weights, found, strict=True))
            found += str((remainder - summed) % 11)
            if len(found) > len(weights) + 1:  # a control digit of 10: no such number is given
                break
        else:
            return found


_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\ufe58\ufe63\uff0d\u30fc"
_MARKS = ":;'+*|\\(),./_&%#\"~=<>[]{}!?@$^`•·…"
_BLANKS = " \t\n\x0b\x1c\x85\xa0\u1680\u2003\u2009\u2028\u202f\u3000"
_UNSEEN = "\xad\u200b\u200c\u200d\u2060\ufeff\u3164\u0301\u0332\u20e3\ufe0f\x00\x7f\U000e0001"
_BETWEEN = _DASHES + _MARKS + _BLANKS + _UNSEEN + "øæåßЖ字"
_ZEROS = (
    *(0x30, 0xFF10, 0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0x17E0),
    *(0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1FBF0),
)
_SCRIPTS = (
    *("".join(chr(zero + digit) for digit in range(10)) for zero in _ZEROS),
    *("⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉", "⓪①②③④⑤⑥⑦⑧⑨", "⓿❶❷❸❹❺❻❼❽❾", "〇一二三四五六七八九"),
)
_WORDS = ("sak", "SAK", "fnr:", "ref ", "no", "Bruker-", "x", "f", "nr. ", "sak-", "ø")


def _in_groups(draw: Draw, number: str) -> str:
    cuts = sorted(draw.sample(range(1, 11), draw.randint(1, 10)))
    between = "".join(draw.choices(_BETWEEN, k=draw.randint(1, 3)))
    starts, ends = [0, *cuts], [*cuts, 11]
    return between.join(number[start:end] for start, end in zip(starts, ends, strict=True))


def _in_mixed_groups(draw: Draw, number: str) -> str:
    return "".join(
        digit + (draw.choice(_BETWEEN) if draw.random() < 0.5 else "") for digit in number
    )


def _in_a_script(draw: Draw, number: str) -> str:
    digits = draw.choice(_SCRIPTS)
    return "".join(digits[int(digit)] for digit in number)


def _in_many_scripts(draw: Draw, number: str) -> str:
    return "".join(draw.choice(_SCRIPTS)[int(digit)] for digit in number)


def _in_words(draw: Draw, number: str) -> str:
    return f"{draw.choice(_WORDS)}{number}{draw.choice(('', '-x', ' b', 'z', '/'))}"


def _among_digits(draw: Draw, number: str) -> str:
    before = draw.choice((f"{draw.randrange(10**4)}-", "2026/", ""))
    return f"{before}{number}{draw.choice(('-1', ' 001', '.7', '/12345678'))}"


def _filled(draw: Draw, number: str) -> str:
    return number.rjust(draw.randint(12, 20), "0")


def _as_a_uuid(draw: Draw, number: str) -> str:
    filler = draw.choice("0af")
    before = 21 if filler == "0" else draw.randint(0, 21)
    hidden = uuid.UUID((filler * before + number).ljust(32, filler))
    return draw.choice((str(hidden), hidden.hex))


def _mistyped(draw: Draw, number: str) -> str:
    wrong = f"{number[:-1]}{(int(number[-1]) + draw.randint(1, 9)) % 10}"
    return draw.choice((wrong, f"{wrong[:6]} {wrong[6:]}", f"sak-{wrong}", f"nr{wrong}x"))


DISGUISES: dict[str, Callable[[Draw, str], str]] = {
    "plain": lambda _, number: number,
    "in groups": _in_groups,
    "in mixed groups": _in_mixed_groups,
    "in another script": _in_a_script,
    "in many scripts": _in_many_scripts,
    "in words": _in_words,
    "in words, in groups": lambda draw, number: _in_words(draw, _in_groups(draw, number)),
    "in words, in a script, in groups": lambda draw, number: _in_words(
        draw, _in_groups(draw, _in_a_script(draw, number))
    ),
    "among other digits": _among_digits,
    "filled up with zeros": _filled,
    "filled up to a UUID": _as_a_uuid,
    "mistyped": _mistyped,
}


def disguised(draw: Draw) -> str:
    """Draws a number in a random disguise."""
    return draw.choice(list(DISGUISES.values()))(draw, a_number(draw))


def refusals(count: int) -> None:
    print("| good references | refused | of | share |")
    print("|---|---|---|---|")
    for name, kind in TYPICAL.items():
        draw = Draw(SEED)
        refused = sum(1 for _ in range(count) if RULE.problem(kind.one(draw)))
        print(f"| {name} | {refused:,} | {count:,} | {refused / count:.4%} |", flush=True)


def misses(count: int) -> None:
    draw = Draw(SEED)
    asked: dict[str, int] = dict.fromkeys(DISGUISES, 0)
    missed, texts = dict(asked), list[str]()
    for _ in range(count):
        name = draw.choice(list(DISGUISES))
        texts.append(DISGUISES[name](draw, a_number(draw)))
        asked[name] += 1
        # As a text of any kind: that its characters are refused in references is no help here.
        missed[name] += not holds_national_id(texts[-1])

    print("| disguised numbers | missed | of |")
    print("|---|---|---|")
    for name, times in asked.items():
        print(f"| {name} | {missed[name]:,} | {times:,} |")
    print(f"| all | {sum(missed.values()):,} | {count:,} |")
    suspects = np.asarray(pc.match_substring_regex(pa.array(texts), SUSPECT))
    print(f"| all, not even looked at in files | {int((~suspects).sum()):,} | {count:,} |")


def speed(count: int) -> None:
    print("| what is checked | one call, ns | a column, ns a row |")
    print("|---|---|---|")
    for name, kind in TYPICAL.items():
        draw = Draw(SEED)
        texts = [kind.one(draw) for _ in range(count)]
        one, column = _nanoseconds(texts[:50]), _column_nanoseconds(texts)
        print(f"| {name} | {one:,.0f} | {column:,.0f} |", flush=True)


def _nanoseconds(texts: list[str]) -> float:
    """Gives the time of a call by itself: the quickest of many runs, for others work here too."""
    runs = []
    for _ in range(2_000):
        began = time.perf_counter_ns()
        for text in texts:
            RULE.problem(text)
        runs.append((time.perf_counter_ns() - began) / len(texts))
    return min(runs)


def _column_nanoseconds(texts: list[str]) -> float:
    """Gives the time that `score` takes for each row of a column, in the quickest of three runs."""
    column, runs = pa.array(texts), []
    for _ in range(3):
        began = time.perf_counter_ns()
        text_problems(column, RULE)
        runs.append((time.perf_counter_ns() - began) / len(texts))
    return min(runs)


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.references", description=__doc__)
    arguments.add_argument("--count", type=int, default=1_000_000, help="strings of each kind")
    count: int = arguments.parse_args().count
    # Of times a tenth of the strings says as much.
    for part, strings in ((refusals, count), (misses, count), (speed, count // 10)):
        part(strings)
        print()


if __name__ == "__main__":
    main()
