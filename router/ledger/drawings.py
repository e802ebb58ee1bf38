"""The ledger's charts: estimated and measured, weeks, minutes per contact, practice.

A new chart is a function here, which `page.py` calls and `templates/ledger.html.j2` shows.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import date
from itertools import dropwhile

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from router.drawing.axes import rows
from router.drawing.colours import BLUE, GREEN, GREY, INK, ORANGE, QUIET
from router.drawing.drawing import TwoShapes, draw_two_shapes
from router.ledger.account import Ledger, Part
from router.ledger.contacts import ChannelFigures
from router.ledger.practice import Practice
from router.ledger.words import Words

_HOUR = 60
_MEAN_OF = 5
"""Weeks that the line of a weekly drawing is the mean of: weeks alone jump about."""
_WEEKS_OF_A_YEAR = 53


def measured(ledger: Ledger, words: Words) -> TwoShapes | None:
    """Draws earlier practice, planned and spent, of cases whose time was reported.

    None if there are none.
    """
    planned, spent = ledger.total.planned, ledger.total.measured
    if not spent.cases:
        return None
    uses = (
        ("baseline", planned.baseline, GREY),
        ("planned", planned.used, BLUE),
        ("spent", spent.used, ORANGE),
    )
    pairs = (
        ("released", planned.released, spent.released),
        ("reused", planned.reused, spent.reused),
        ("unaccounted", planned.unaccounted, spent.unaccounted),
    )

    def paint(figure: Figure, narrow: bool) -> None:
        shape = (2, 1) if narrow else (1, 2)
        left, right = figure.subplots(*shape)
        for row, (_, minutes, colour) in enumerate(uses):
            _bar(left, row, minutes, colour, 0.62, words)
        rows(left, [_folded(words(f"measured.{name}"), narrow) for name, _, _ in uses])

        for row, (_, estimated, reported) in enumerate(pairs):
            # Only the first row names its bars in the legend.
            labels = ("", "") if row else (words("measured.estimated"), words("measured.measured"))
            _bar(right, row - 0.2, estimated, BLUE, 0.38, words, labels[0])
            _bar(right, row + 0.2, reported, ORANGE, 0.38, words, labels[1])
        rows(right, [_folded(words(f"measured.{name}"), narrow) for name, _, _ in pairs])

        for axes in (left, right):
            low, high = axes.get_xlim()
            # Room for the figures that stand at the ends of the bars: as wide on either side, for
            # on the left are the names of the rows.
            room = (0.3 if narrow else 0.2) * (max(high, 0) - min(low, 0))
            axes.set_xlim(low - room if low < 0 else 0, high * 1.18)
            axes.axvline(0, color=INK, linewidth=1)
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda hours, _: words.number(hours)))
            axes.set_xlabel(words("measured.axis"))
        right.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.1)

    told = words(
        "measured.description",
        cases=words.number(spent.cases),
        baseline=words.in_hours(planned.baseline),
        planned=words.in_hours(planned.used),
        spent=words.in_hours(spent.used),
        released_planned=words.in_hours(planned.released),
        released=words.in_hours(spent.released),
        reused_planned=words.in_hours(planned.reused),
        reused=words.in_hours(spent.reused),
    )
    return draw_two_shapes("measured", words("measured.drawing"), told, (2.7, 4.6), paint)


def _bar(
    axes: Axes, row: float, minutes: int, colour: str, thick: float, words: Words, label: str = ""
) -> None:
    hours = minutes / _HOUR
    axes.barh(row, hours, height=thick, color=colour, label=label or None)
    left = hours < 0
    axes.annotate(
        words.hours(minutes),
        (hours, row),
        xytext=(-4 if left else 4, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
    )


def weekly(ledger: Ledger, words: Words) -> TwoShapes | None:
    """Draws released and re-used hours by week; None with fewer than two weeks."""
    drawn = _with_hours(ledger)
    if len(drawn) < 2:
        return None
    found = [one.estimated for one in drawn]
    mondays = [date.fromisoformat(one.name) for one in drawn]
    years = len(mondays) > _WEEKS_OF_A_YEAR
    released, reused = (
        np.array([getattr(one, name) / _HOUR for one in found]) for name in ("released", "reused")
    )

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        weeks = np.arange(len(found))
        for hours, colour, mark, key in (
            (released, BLUE, "o", "released"),
            (reused, GREEN, "s", "reused"),
        ):
            axes.plot(weeks, hours, mark, color=colour, markersize=3.5, alpha=0.45)
            axes.plot(
                weeks, _smoothed(hours), color=colour, linewidth=2.4, label=words(f"weeks.{key}")
            )

        # From 0, since heights are compared; at least an hour, so that nothing is not blown up.
        highest = float(np.max([released, reused]))
        axes.set_ylim(0, 1.08 * max(1.0, highest))
        axes.set_xlim(-0.5, len(found) - 0.5)

        # So many dates fit beside each other.
        every = max(1, -(-len(found) // (4 if narrow else 9)))
        places = range(0, len(found), every)
        axes.set_xticks(places, [_short(mondays[place], words, years) for place in places])
        axes.set_ylabel(words("weeks.axis"))
        figure.legend(loc="outside upper left", ncols=2)

    told = words(
        "weeks.description",
        weeks=len(found),
        released=words.in_hours(sum(one.released for one in found) / len(found)),
        reused=words.in_hours(sum(one.reused for one in found) / len(found)),
    )
    return draw_two_shapes("weeks", words("weeks.drawing"), told, (3.0, 3.0), paint)


def _with_hours(ledger: Ledger) -> list[Part]:
    """Gives the weeks from the first with a case to the day the ledger is told on.

    Before it nothing may have been recorded yet, and what is to come is not known: no hours would
    be drawn for weeks of which nobody knows any.
    """
    cases = dropwhile(lambda one: not one.estimated.cases, ledger.weeks)
    return [one for one in cases if date.fromisoformat(one.name) <= ledger.as_of]


def _smoothed(hours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gives the mean of five weeks around each, of fewer at the ends."""
    reach = _MEAN_OF // 2
    # Unknown beyond the ends, so that the mean there is of fewer weeks and not of zeros.
    padded = np.pad(hours, reach, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, _MEAN_OF)
    means: NDArray[np.float64] = np.nanmean(around, axis=1)
    return means


def _short(day: date, words: Words, years: bool) -> str:
    month = words.entries["months"][day.month - 1][:3]
    # In several years a day and a month come again and again.
    if years:
        return f"{month} {day.year}"
    return f"{day.day} {month}" if words.language == "en" else f"{day.day}. {month}"


def contacts(figures: Sequence[ChannelFigures], words: Words) -> TwoShapes | None:
    """Draws reported minutes per contact, with their interval, against the catalogue's.

    None if no channel has enough reports.
    """
    found = [one for one in figures if one.minutes is not None]
    if not found:
        return None

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        values = [one.minutes.value if one.minutes else 0 for one in found]
        arms = [
            [one.minutes.value - one.minutes.low if one.minutes else 0 for one in found],
            [one.minutes.high - one.minutes.value if one.minutes else 0 for one in found],
        ]

        for row, one in enumerate(found):
            if one.catalogue is not None:
                label = "" if row else words("contacts.catalogue")
                axes.plot(
                    [one.catalogue] * 2,
                    [row - 0.3, row + 0.3],
                    color=INK,
                    linewidth=2.2,
                    label=label or None,
                )

        axes.errorbar(
            values,
            range(len(found)),
            xerr=arms,
            fmt="o",
            color=ORANGE,
            markersize=7,
            elinewidth=3,
            label=words("contacts.reported"),
        )
        rows(axes, [_folded(words.texts.channel(one.channel), narrow) for one in found])
        axes.set_xlim(0, 1.1 * max([*values, *(one.catalogue or 0 for one in found)]))
        axes.set_xlabel(words("contacts.axis"))
        figure.legend(loc="outside upper left", ncols=1 if narrow else 2)

    told = "; ".join(
        words(
            "contacts.one",
            channel=words.texts.channel(one.channel),
            minutes=words.number(one.minutes.value, 1) if one.minutes else "",
            catalogue=words("unknown") if one.catalogue is None else words.number(one.catalogue, 1),
        )
        for one in found
    )
    height = 0.95 + 0.36 * len(found)
    return draw_two_shapes(
        "contacts",
        words("contacts.drawing"),
        words("contacts.description", channels=told),
        (height, height + 0.3),
        paint,
    )


def practice(found: Sequence[Practice], words: Words) -> TwoShapes | None:
    """Draws minutes agreed a case by need group: other offices' spread and median, and the own.

    None without any.
    """
    if not found:
        return None
    own = [one.own for one in found if one.own is not None]

    def paint(figure: Figure, narrow: bool) -> None:
        axes = figure.subplots()
        every = range(len(found))
        axes.barh(
            every,
            [one.highest - one.lowest for one in found],
            left=[one.lowest for one in found],
            height=0.34,
            color="#d5dae2",
            label=words("practice.spread"),
        )

        median = words("practice.median" if own else "practice.all_median")
        axes.plot(
            [one.median for one in found],
            every,
            "|",
            color=QUIET,
            markersize=15,
            mew=2.4,
            label=median,
        )
        # Only with one office of the reader's own: of several together none is marked.
        if own:
            axes.plot(own, every, "D", color=BLUE, markersize=8, label=words("practice.own"))
        rows(axes, [_folded(words.value("need_group", one.group), narrow) for one in found])
        axes.set_xlim(0, 1.06 * max([*own, *(one.highest for one in found)]))
        axes.set_xlabel(words("practice.axis"))
        figure.legend(loc="outside upper left", ncols=1 if narrow else 3)

    told = "; ".join(
        words(
            "practice.one",
            group=words.value("need_group", one.group),
            own="" if one.own is None else words("practice.own_words", own=words.number(one.own)),
            lowest=words.number(one.lowest),
            highest=words.number(one.highest),
            median=words.number(one.median),
        )
        for one in found
    )
    height = 1.0 + 0.4 * len(found)
    return draw_two_shapes(
        "practice",
        words("practice.drawing"),
        words("practice.description", groups=told),
        (height, height + 0.7),
        paint,
    )


def _folded(text: str, narrow: bool) -> str:
    return "\n".join(textwrap.wrap(text, 18 if narrow else 34))
