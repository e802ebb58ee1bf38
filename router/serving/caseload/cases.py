"""The cases of a plan as they come in: checked and encoded, in slices.

Between the slices other calls have their turn.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np

from router.cases.features import CASE_REF, OFFICE_REF
from router.cases.message import encode
from router.cases.problems import FieldProblem
from router.decision.schema import Rows
from router.serving.callers.caller import Caller
from router.serving.fields import Fields
from router.serving.messages import path
from router.serving.status import InvalidRequest, Overloaded, refuse
from router.serving.turns import give_way
from router.serving.waiting_room import WaitingRoom
from router.v1 import case_pb2, caseload_pb2

# An office has thousands; more would hold the machine up while they are planned.
CASES_AT_MOST = 50_000
HELD_AT_MOST = 200_000
"""Cases of all plans under way, half a kilobyte each."""
IDLE_SECONDS = 5.0
"""After which a plan whose caller sends nothing makes room for others, if there is none."""
HOURS_AT_MOST = 1_000_000
_PROBLEMS_AT_MOST = 50
# A few milliseconds of the loop at a time.
_ENCODED_AT_ONCE = 64


class Room:
    """Room for cases that were sent and not yet planned, of all plans together.

    A plan takes memory from its first case until it is answered, however long its caller waits to
    send the last one: when others want that room, it is let go.

    Attributes:
        idle: where plans that hold cases wait for more.
    """

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        """Begins empty.

        Args:
            idle_seconds: for which a plan may send nothing while others have no room.
        """
        self._held = 0
        self._idle_seconds = idle_seconds
        self.idle = WaitingRoom(HELD_AT_MOST)

    def take(self, count: int) -> None:
        """Takes room for cases.

        Raises:
            Overloaded: if there is none; there soon is if another plan stands still.
        """
        if self._held + count > HELD_AT_MOST:
            full = f"plans under way hold {HELD_AT_MOST:,} cases, which is the most"
            self.idle.end_longest(
                self._idle_seconds, Overloaded(f"{full}, and this one sent none for longest")
            )
            raise Overloaded(full)
        self._held += count

    def give(self, count: int) -> None:
        """Gives room back."""
        self._held -= count


class Caseload:
    """What has come of a request for a plan."""

    def __init__(self, caller: Caller, room: Room) -> None:
        self._caller = caller
        self._room = room
        self._taken = 0
        self.header: caseload_pb2.PlanHeader | None = None
        self.refs: list[str] = []
        # By the number of a case; most have none.
        self.top_coded: dict[int, list[str]] = {}
        self._numbers: dict[str, int] = {}
        self._slices: list[Rows] = []
        self._problems: list[FieldProblem] = []

    def waits(self) -> AbstractContextManager[None]:
        """Gives a block within which it is waited for more cases."""
        return self._room.idle.stay() if self._taken else nullcontext()

    def release(self) -> None:
        """Gives back the room that its cases took."""
        self._room.give(self._taken)
        self._taken = 0

    def begin(self, header: caseload_pb2.PlanHeader) -> None:
        """Takes the header.

        Raises:
            InvalidRequest: if there is one already, or the office's reference or the hours are out
                of bounds.
            NotPermitted: if the office is not the caller's.
        """
        if self.header is not None:
            refuse("header", "came twice")
        fields = Fields()
        fields.reference("header.office_ref", header.office_ref, name=OFFICE_REF)
        if header.HasField("hours") and not 0 <= header.hours <= HOURS_AT_MOST:
            fields.refuse("header.hours", f"{header.hours} is outside 0 to {HOURS_AT_MOST:,}")
        fields.finish()
        self._caller.check_office(header.office_ref)
        self.header = header

    async def add(self, cases: caseload_pb2.CaseChunk) -> None:
        """Takes cases.

        Raises:
            InvalidRequest: if the header has not come, there are too many cases, or too many
                problems with them.
            Overloaded: if other plans hold too many.
        """
        if self.header is None:
            refuse("header", "must come first")
        if len(self.refs) + len(cases.cases) > CASES_AT_MOST:
            refuse(
                "cases", f"are more than {CASES_AT_MOST:,}; plan them with `python -m router plan`"
            )
        if not cases.cases:
            refuse("cases", "is empty; a message holds a header or at least one case")
        self._caller.spend(len(cases.cases))
        self._room.take(len(cases.cases))
        self._taken += len(cases.cases)
        for start in range(0, len(cases.cases), _ENCODED_AT_ONCE):
            part = cases.cases[start : start + _ENCODED_AT_ONCE]
            rows = [self._row(case, self.header.office_ref) for case in part]
            self._slices.append(np.array(rows, np.uint16))
            await give_way()
            # Enough to see what is wrong: the rest of a bad caseload need not be sent.
            if len(self._problems) >= _PROBLEMS_AT_MOST:
                raise InvalidRequest(self._problems)

    def _row(self, case: case_pb2.Case, office_ref: str) -> list[int]:
        index, problems = len(self.refs), list[FieldProblem]()
        top_coded: list[str] = []
        row = encode(case, problems, index, top_coded)
        if top_coded:
            self.top_coded[index] = top_coded

        def add(field: str, description: str) -> None:
            problems.append(FieldProblem(index=index, field=field, description=description))

        if case.office_ref not in ("", office_ref):
            add(OFFICE_REF, "is not that of the header")
        first = self._numbers.setdefault(case.case_ref, index)
        # Shielded cases have no reference, and are not the same case for that.
        if first != index and case.case_ref:
            add(CASE_REF, f"is the same as that of cases[{first}]")

        self._problems += [
            FieldProblem(
                index=index, field=path(f"cases[{index}]", one), description=one.description
            )
            for one in problems
        ]
        self.refs.append(case.case_ref)
        return row

    def finish(self) -> tuple[caseload_pb2.PlanHeader, Rows]:
        """Gives the header, and the slots of all cases, shape (n, features).

        Raises:
            InvalidRequest: with what is wrong with the cases, or what has not come.
        """
        if self._problems:
            raise InvalidRequest(self._problems)
        if self.header is None:
            refuse("header", "must come first")
        if not self.refs:
            refuse("cases", f"has 0 cases; 1 to {CASES_AT_MOST:,} are permitted")
        return self.header, np.concatenate(self._slices)
