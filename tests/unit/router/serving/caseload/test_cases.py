"""Cases of plans that are under way take room, and give it back."""

import asyncio

import pytest

from router.serving.callers.caller import EVERYONE
from router.serving.caseload.cases import CASES_AT_MOST, HELD_AT_MOST, Caseload, Room
from router.serving.status import Overloaded
from router.v1 import case_pb2, caseload_pb2

CHUNK = caseload_pb2.CaseChunk(cases=[case_pb2.Case(case_ref="c-1")])


def a_caseload(room: Room) -> Caseload:
    caseload = Caseload(EVERYONE, room)
    caseload.begin(caseload_pb2.PlanHeader(office_ref="office-1", hours=1))
    return caseload


def test_what_plans_hold_together_is_bounded_and_given_back_when_they_end() -> None:
    room = Room()
    # As the cases of other plans, whose callers never send the last one.
    room.take(HELD_AT_MOST - 1)
    first, second = a_caseload(room), a_caseload(room)
    asyncio.run(first.add(CHUNK))
    with pytest.raises(Overloaded):
        asyncio.run(second.add(CHUNK))
    first.release()
    asyncio.run(second.add(CHUNK))


def test_a_plan_that_stands_still_makes_room_for_others() -> None:
    async def body() -> None:
        room = Room(idle_seconds=0)
        room.take(HELD_AT_MOST - 1)
        waiting = asyncio.Event()

        async def still() -> None:
            caseload = a_caseload(room)
            try:
                await caseload.add(CHUNK)
                with caseload.waits():
                    waiting.set()
                    await asyncio.Event().wait()
            finally:
                caseload.release()

        first, second = asyncio.ensure_future(still()), a_caseload(room)
        await waiting.wait()
        # Told to come again, which is then not in vain.
        with pytest.raises(Overloaded):
            await second.add(CHUNK)
        with pytest.raises(Overloaded, match="this one sent none for longest"):
            await first
        await second.add(CHUNK)

    asyncio.run(asyncio.wait_for(body(), 30))


def test_a_plan_that_goes_on_is_not_ended_for_others() -> None:
    async def body() -> None:
        room = Room()
        room.take(HELD_AT_MOST - 1)
        first, second = a_caseload(room), a_caseload(room)
        await first.add(CHUNK)
        with first.waits():
            with pytest.raises(Overloaded):
                await second.add(CHUNK)
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(body(), 30))


def test_a_whole_plan_always_fits_beside_some_others() -> None:
    assert HELD_AT_MOST >= 4 * CASES_AT_MOST
