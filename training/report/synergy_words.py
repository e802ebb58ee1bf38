"""Synergies of channels in words: a sentence for the report, lines for the terminal."""

from __future__ import annotations

from router.versions.synergies import CANNOT_TELL, COMPLEMENT, IDENTIFIED, rounded_up
from training.evaluation.figures import BY_MODEL, OK, Synergies, SynergyOfPair
from training.report.words import names, number, point_range, points


def pair_name(one: SynergyOfPair) -> str:
    """Names two channels."""
    return " and ".join(names().english.channel(channel) for channel in (one.first, one.second))


def synergy_sentence(found: Synergies) -> str:
    """Says in one sentence what the log shows of channels together."""
    measured = [one for one in found.pairs if one.identified == IDENTIFIED]
    if not measured:
        return (
            "The log cannot tell whether two channels help each other: "
            "it lacks the mixes to compare."
        )
    shown = [one for one in measured if one.answer != CANNOT_TELL]
    if shown:
        return "; ".join(map(_worth, shown)) + "."
    fewest = min(one.needed or 0 for one in measured)
    return (
        "The log cannot tell whether two channels help each other: about "
        f"{number(rounded_up(fewest))} cases would show {number(100 * found.size, 1)} percentage "
        "points."
    )


def scales_differ(one: SynergyOfPair) -> bool:
    """Says whether the synergy has another sign on the logit scale."""
    return (
        one.outcome is not None
        and one.logit is not None
        and one.outcome.value * one.logit.value < 0
    )


def synergy_lines(found: Synergies) -> list[str]:
    """Gives a table of all pairs, and what they say together."""
    lines = [
        f"{'channels':<34} {'without a model':<15} {'synergy, points (90%)':<24} "
        f"{'answer':<12} {'cases':>8} {'needed':>10}"
    ]
    for one in found.pairs:
        synergy = "–"
        if one.outcome is not None:
            synergy = f"{points(one.outcome.value)} ({point_range(one.outcome)})"
        needed = number(rounded_up(one.needed)) if one.needed else "–"
        lines.append(
            f"{one.first + ' x ' + one.second:<34} {one.identified:<15} {synergy:<24} "
            f"{one.answer:<12} {number(one.cases):>8} {needed:>10}"
        )
    lines.append("")
    lines += [f"{one.first} x {one.second}: {note}" for one in found.pairs for note in notes(one)]
    if found.none is not None and found.no_substitutes is not None:
        lines.append(
            f"all pairs together: p {found.none:.3f} for no synergy at all, "
            f"{found.no_substitutes:.3f} for no substitutes, "
            f"{found.no_complements:.3f} for no complements"
        )
    even = {one.needed_even for one in found.pairs}
    lines.append(
        f"needed: cases like these that show {points(found.size)} points 4 times in 5; "
        f"about {number(rounded_up(min(even)))} if each of the four mixes were drawn for a quarter"
        if even
        else "the catalogue has fewer than two channels"
    )
    lines.append(synergy_sentence(found))
    return lines


def notes(one: SynergyOfPair) -> list[str]:
    """Says what stands behind a pair's line: its mixes, what is missing, scale and groups."""
    told = []
    if one.identified == IDENTIFIED:
        told += [f"{' + '.join((s[0], s[3]))} - {' - '.join(s[1:3])}" for s in one.squares]
        if one.overlap != OK:
            told.append(f"{one.overlap}: one of these mixes was too rare")
        elif one.looked is not None:
            told.append(f"answer by {point_range(one.looked)}, for all pairs at once")
        if scales_differ(one) and one.logit is not None:
            told.append(
                f"on the logit scale the sign is the other: {number(one.logit.value, 2)} "
                f"({number(one.logit.low, 2)} to {number(one.logit.high, 2)})"
            )
        told += [
            f"{g.field} {g.group}: {points(g.outcome.value)} ({point_range(g.outcome)})"
            for g in one.groups
        ]
    elif one.missing:
        lacking = ", ".join(f"{mix} ({minutes} min)" for mix, minutes in one.missing.items())
        known = ", ".join(mix for mix in one.squares[0] if mix not in one.missing)
        told.append(f"lacks {lacking} beside {known}")
        if one.identified == BY_MODEL:
            told.append("a model of doses could tell; it gives no answer here")
    else:
        told.append("no other channel is there to stand beside both")
    return told


def _worth(one: SynergyOfPair) -> str:
    assert one.outcome is not None
    more = "more" if one.answer == COMPLEMENT else "less"
    size = number(100 * abs(one.outcome.value), 1)
    return (
        f"“{pair_name(one)}” are {one.answer}s: "
        f"together {size} percentage points {more} than the sum"
    )
