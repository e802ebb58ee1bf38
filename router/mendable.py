"""What a person can mend: the errors that a command tells in a line, with the way out."""

from __future__ import annotations

from router.addresses import without_secrets


class Mendable(Exception):
    """Something that was given, a file, an option or a place, cannot be used; told in one line.

    Every other error is a fault of the program: it keeps its traceback, whoever raised it.
    """

    def __init__(self, *told: object) -> None:
        """Takes what is told, of which secrets in addresses are left out."""
        super().__init__(*(without_secrets(one) if isinstance(one, str) else one for one in told))
