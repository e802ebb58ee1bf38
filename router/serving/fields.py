"""Reads a request's fields and gathers what is wrong with any of them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection
from datetime import date
from enum import Enum
from typing import Any, TypeVar

from router.cases.features import REFERENCES
from router.cases.problems import FieldProblem, shown
from router.serving.status import InvalidRequest

_Code = TypeVar("_Code", bound=Enum)
# `uuid.UUID` also takes braces, "urn:uuid:" and digits without dashes: one id, one form.
# What a variable of that type holds before anybody sets it: all requests would share one answer.
_UNMADE = frozenset({str(uuid.UUID(int=0)), str(uuid.UUID(int=(1 << 128) - 1))})
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# `date.fromisoformat` also takes 20261125 and weeks.
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Fields:
    """Reads fields one by one and gathers what is wrong with them.

    What a method returns for a bad field is of no use: `finish` raises.
    """

    def __init__(self) -> None:
        self._problems: list[FieldProblem] = []

    def refuse(self, field: str, description: str) -> None:
        """Notes a problem of a field."""
        self._problems.append(FieldProblem(index=0, field=field, description=description))

    def finish(self) -> None:
        """Ends the reading.

        Raises:
            InvalidRequest: if a problem was noted; with every one of them.
        """
        if self._problems:
            raise InvalidRequest(self._problems)

    def identity(self, field: str, text: str) -> uuid.UUID:
        """Reads a UUID in its usual form of 36 characters."""
        if not _UUID.fullmatch(text):
            # Not repeated: what somebody sends in the place of a random id may name a person.
            told = "is not a UUID of 36 characters, with dashes"
            self.refuse(field, told if text else "is missing; a UUID")
            # Read on, so that every problem is told at once.
            return uuid.UUID(int=0)
        return uuid.UUID(text)

    def request_id(self, field: str, text: str) -> uuid.UUID:
        """Reads the UUID of a request, which nobody else may have."""
        identity = self.identity(field, text)
        if text.lower() in _UNMADE:
            self.refuse(field, "is the same for everyone; make a random UUID for each request")
        return identity

    def identity_or_none(self, field: str, text: str) -> uuid.UUID | None:
        """Reads a UUID, None for an empty text."""
        return self.identity(field, text) if text else None

    def reference(self, field: str, text: str, *, name: str, needed: bool = False) -> str:
        """Reads a reference.

        Args:
            field: its path in the request.
            text: as sent; "" for none.
            name: of the contract's reference, CASE_REF or OFFICE_REF.
            needed: whether it must be given.
        """
        missing = f"is missing; {REFERENCES[name].bound}" if needed and not text else ""
        problem = missing or REFERENCES[name].problem(text)
        if problem:
            self.refuse(field, problem)
        return text

    def code(self, field: str, contract: Any, kind: type[_Code], number: int) -> _Code:  # noqa: ANN401
        """Reads an enum's member by the contract's number.

        Args:
            field: its name.
            contract: generated enum.
            kind: enum of the same names without the prefix, and of the same values; "" for
                unspecified if permitted.
            number: as sent.
        """
        names = [value.name for value in contract.DESCRIPTOR.values]
        prefix = names[0].removesuffix("UNSPECIFIED")
        known = contract.DESCRIPTOR.values_by_number.get(number)
        name = "" if number == 0 else known.name.removeprefix(prefix) if known else None
        members = {member.value: member for member in kind}
        if name not in members:
            told = "is missing" if number == 0 else f"{number} is not in the contract"
            self.refuse(field, f"{told}; one of {', '.join(names[1:])}")
            return next(iter(kind))
        return members[name]

    def mix(self, field: str, text: str, mixes: Collection[str]) -> str:
        """Reads the id of a mix of the decision's catalogue."""
        if text not in mixes:
            told = f"{shown(text)} is not" if text else "is missing; it must be"
            self.refuse(field, f"{told} one of the decision's mixes: {', '.join(mixes)}")
        return text

    def whole(self, field: str, number: int, most: int, unit: str) -> int:
        """Reads a whole number from 0."""
        if not 0 <= number <= most:
            self.refuse(field, f"{number} is outside 0 to {most} {unit}")
        return number

    def day(self, field: str, text: str) -> date:
        """Reads a day as YYYY-MM-DD."""
        if _DAY.fullmatch(text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                pass
        told = f"{shown(text)} is not a day as YYYY-MM-DD"
        self.refuse(field, told if text else "is missing; YYYY-MM-DD")
        return date.min
