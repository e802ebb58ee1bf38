"""The caller of the call that runs: what services ask before they answer, and never pass on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from router.policies.callers import NO_OFFICE
from router.serving.callers.bucket import Bucket
from router.serving.status import NotPermitted


def _uncounted(*_: str) -> None:
    """Counts no refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls.

    Attributes:
        name: by which the journal, metrics and logs know it; "" where nobody is told apart.
        offices: for which it may call, "" for none; None for all.
        bucket: how much it may still ask for; None for as much as it likes.
        count_refused: is told its name and why it was refused something.
    """

    name: str
    offices: frozenset[str] | None
    bucket: Bucket | None = None
    count_refused: Callable[[str, str], None] = field(default=_uncounted, compare=False)

    def may_see(self, office_ref: str) -> bool:
        """Tells whether it may see what belongs to an office, "" for none."""
        return self.offices is None or office_ref in self.offices

    def check_office(self, office_ref: str) -> None:
        """Checks that it may ask for an office, "" for none.

        Raises:
            NotPermitted: if it may not; nothing tells whether there is such an office.
        """
        if not self.may_see(office_ref):
            self.count_refused(self.name, "OFFICE")
            what = "for this office" if office_ref != NO_OFFICE else "without an office"
            raise NotPermitted("OFFICE_NOT_PERMITTED", f"the caller may not call {what}")

    def spend(self, cases: int) -> None:
        """Takes cases out of its bucket, also more than are in it: its next calls then wait."""
        if self.bucket is not None:
            self.bucket.spend(cases)

    async def take_turn(self) -> None:
        """Waits until its bucket holds a case again, and takes one out: for streams."""
        bucket = self.bucket
        if bucket is None:
            return
        while (seconds := bucket.take()) > 0:
            await asyncio.sleep(seconds)


EVERYONE = Caller(name="", offices=None)
"""Who calls where callers are not told apart: everyone, who may do everything."""
NOBODY = Caller(name="", offices=frozenset())
"""Who calls where nobody has said who: it belongs to no office."""
_CURRENT: ContextVar[Caller] = ContextVar("caller", default=NOBODY)


def set_caller(caller: Caller) -> None:
    """Says who calls, for all that runs within this call."""
    _CURRENT.set(caller)


def the_caller() -> Caller:
    """Gives who calls."""
    return _CURRENT.get()
