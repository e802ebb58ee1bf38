"""Draws: a number by case, which nobody can foretell who does not hold the key.

A draw is made of the case's reference and of what decides, by HMAC-SHA-256: the same case asked
again draws alike, on every server that has the key, and whoever has it can check each draw.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from router.digest import keyed_digest
from router.mendable import Mendable

_SCALE = 1 << 64


class DrawKeyMissing(Mendable, ValueError):
    """A policy draws, and there is no key to draw with."""


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws with a key; without one nothing may be drawn.

    Attributes:
        key: the secret; None where none was given.
    """

    key: bytes | None = field(default=None, repr=False)

    def need_key(self, why: str) -> None:
        """Refuses a policy that draws while there is no key.

        Args:
            why: there is a draw, such as the policy's value that asks for it.

        Raises:
            DrawKeyMissing: if there is none.
        """
        if self.key is None:
            raise DrawKeyMissing(
                f"{why}: cases are drawn by a secret, so that callers cannot foretell who is; "
                "give --draw-key FILE (ROUTER_DRAW_KEY), of 16 random bytes or more"
            )

    def number(self, purpose: str, case_ref: str, *parts: str) -> float:
        """Gives a number in [0, 1) that follows from key, purpose, case and parts.

        However the reference is written: capitals, blanks and signs count for nothing.

        Raises:
            DrawKeyMissing: if there is no key.
        """
        self.need_key(purpose)
        assert self.key is not None
        digest = keyed_digest(self.key, purpose, canonical(case_ref), *parts)
        return int.from_bytes(digest[:8], "big") / _SCALE


def canonical(case_ref: str) -> str:
    """Gives what ways to write one reference have in common: its letters and digits, in small.

    A UUID may be written as a URN too (RFC 9562): `urn:uuid:` counts for nothing.
    """
    kept = "".join(character for character in case_ref.casefold() if character.isalnum())
    kept = kept.removeprefix("urnuuid")
    return kept or case_ref
