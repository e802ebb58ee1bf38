"""Reads the catalogue of mixes, policies/mixes.toml."""

from __future__ import annotations

from pathlib import Path

from router.decision.catalogue import Catalogue, Channel, Mix, MixElement
from router.policies.toml_file import TomlFile, TomlTable, understood

MIXES_AT_MOST = 63  # a set of mixes is a bit mask in a 64-bit word


def load_catalogue(path: Path) -> Catalogue:
    """Reads and checks a catalogue.

    Raises:
        PolicyError: if a value cannot be used, naming file, key, value and bound.
    """
    return catalogue_of(TomlFile.read(path))


def catalogue_of(file: TomlFile) -> Catalogue:
    """Checks a catalogue that was read.

    Raises:
        PolicyError: if a value cannot be used, naming file, key, value and bound.
    """
    with understood(file):
        return _catalogue(file)


def _catalogue(file: TomlFile) -> Catalogue:
    table = file.parse()
    # One length for all mixes: their minutes are compared as they are, over the same weeks.
    weeks = table.integer("weeks", 1, 104)
    mixes = tuple(_mix(entry, weeks) for entry in table.tables("mix", 1, MIXES_AT_MOST))
    version = table.text("version")
    table.finish()
    try:
        return Catalogue(version=version, mixes=mixes)
    except ValueError as problem:
        # Without the cause: people who edit the file read one line, not where it was found.
        raise table.error("mix", str(problem)) from None


def _mix(table: TomlTable, weeks: int) -> Mix:
    mix = Mix(
        id=table.text("id"),
        weeks=weeks,
        digital_demand=table.boolean("digital_demand"),
        elements=tuple(_element(entry, weeks) for entry in table.tables("elements", 1, 20)),
    )
    table.finish()
    return mix


def _instead(table: TomlTable, channels: list[str]) -> tuple[str, ...]:
    return table.texts("instead", channels) if table.has("instead") else ()


def _element(table: TomlTable, weeks: int) -> MixElement:
    channels = [channel.value for channel in Channel]
    element = MixElement(
        channel=Channel(table.one_of("channel", channels)),
        first_week=table.integer("first_week", 1, weeks),
        every_n_days=table.integer("every_n_days", 0, weeks * 7),
        minutes=table.integer("minutes", 0, 480),
        instead=tuple(Channel(one) for one in _instead(table, channels)),
    )
    table.finish()
    return element
