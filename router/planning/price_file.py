"""Writes an office's price into its policy, so that the case-by-case service follows the plan."""

from __future__ import annotations

from pathlib import Path

import tomlkit

from router.files.aside import made_alike, written_aside
from router.policies.offices import OFFICES, Policies
from router.policies.toml_file import PolicyError, TomlFile

KEY = "price_per_minute"
# People read and compare the price; what further digits say is less than a week's chance.
_DIGITS = 4


def write_price(policies: Policies, folder: Path, office_ref: str, price: float) -> float:
    """Writes the price into policies/offices/OFFICE.toml, comments kept, aside and renamed.

    A running service takes it up as it does any change of the file.

    Args:
        policies: as read from the folder.
        folder: of the policies.
        office_ref: whose price.
        price: outcome points per adviser minute; four digits of it are written.

    Returns:
        The price as written.

    Raises:
        PolicyError: if the office has no policy that can be used (it is not created: its minutes a
            week are for people to say), or the price is outside the office's bounds; nothing is
            written then.
    """
    path = folder / OFFICES / f"{office_ref}.toml"
    if not office_ref:
        raise PolicyError(
            f"{folder}: {KEY}: the national policy's is set by people; name an office"
        )

    policies.usable(office_ref)
    # Rounded before it is checked: rounding must not carry it over the bound.
    written = float(f"{price:.{_DIGITS}g}")
    lowest, highest = policies.bounds.spans[KEY]
    if not lowest <= written <= highest:
        raise PolicyError(
            f"{path}: {KEY}: {written:.10g} is outside {lowest:.10g} to {highest:.10g}; "
            "the price was not written"
        )

    # A mark in front, as some editors write it, is no part of the text.
    document = tomlkit.parse(TomlFile.read(path).content.decode("utf-8-sig"))
    document[KEY] = written
    with written_aside(path) as aside:
        aside.write_text(tomlkit.dumps(document), encoding="utf-8")
        made_alike(aside, path)
    return written
