"""Turns: who begins when there is more to do than can be done at once."""

import asyncio

import pytest

from router.serving.status import Overloaded
from router.serving.turns import TOGETHER, Turns


class Hall:
    """Calls of several callers that begin in turn, and end when they are let go."""

    def __init__(self, seconds_at_most: float = 60.0) -> None:
        self.now = 0.0
        self.turns = Turns(seconds_at_most, lambda: self.now)
        self.begun: list[str] = []
        self._go = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def come(self, caller: str, calls: int, left: float | None = None) -> None:
        """Has calls come, one after the other."""
        self._tasks += [asyncio.ensure_future(self._call(caller, left)) for _ in range(calls)]
        await asyncio.sleep(0)

    async def _call(self, caller: str, left: float | None) -> None:
        async with self.turns.turn(caller, left):
            self.begun.append(caller)
            await self._go.wait()

    def give_up(self, calls: int) -> None:
        """Has those who came last give up."""
        for task in self._tasks[-calls:]:
            task.cancel()

    async def end(self) -> list[BaseException]:
        """Lets all end, and gives the errors of those who could not begin."""
        self._go.set()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        return [error for error in ended if error is not None]


def test_while_there_are_few_all_begin_at_once() -> None:
    async def run() -> None:
        hall = Hall()
        await hall.come("a", TOGETHER)
        assert len(hall.begun) == TOGETHER
        assert not await hall.end()

    asyncio.run(run())


def test_a_caller_with_many_calls_lets_others_begin_in_turn() -> None:
    async def run() -> None:
        hall = Hall()
        await hall.come("greedy", 5 * TOGETHER)
        await hall.come("other", 3)
        assert hall.turns.waiting == 4 * TOGETHER + 3
        assert not await hall.end()
        # The first ones began before the others came.
        assert hall.begun[TOGETHER:][:6] == ["greedy", "other"] * 3
        assert hall.turns.waiting == 0

    asyncio.run(run())


def test_for_want_of_room_who_has_most_in_line_gives_way() -> None:
    async def run() -> None:
        hall = Hall()
        await hall.come("greedy", TOGETHER + 3)
        hall.turns.make_room("other")
        with pytest.raises(Overloaded):
            hall.turns.make_room("greedy")
        assert hall.turns.waiting == 2
        errors = await hall.end()
        assert [type(error) for error in errors] == [Overloaded]

    asyncio.run(run())


def test_a_call_whose_turn_would_come_after_its_deadline_is_refused_at_once() -> None:
    async def run() -> None:
        hall = Hall()
        await hall.come("a", 10 * TOGETHER)
        with pytest.raises(Overloaded) as error:
            await hall.turns.wait("a", 0.001)
        assert error.value.seconds > 0.001
        assert not await hall.end()

    asyncio.run(run())


def test_who_has_waited_too_long_is_refused() -> None:
    async def run() -> None:
        hall = Hall(seconds_at_most=2.0)
        await hall.come("a", TOGETHER)
        await hall.come("b", 5)
        hall.now = 3.0
        errors = await hall.end()
        assert [type(error) for error in errors] == [Overloaded] * 5

    asyncio.run(run())


def test_who_gives_up_in_line_leaves_nothing_behind() -> None:
    async def run() -> None:
        hall = Hall()
        await hall.come("a", 2 * TOGETHER)
        hall.give_up(TOGETHER)
        await asyncio.sleep(0)
        assert hall.turns.waiting == 0
        assert len(await hall.end()) == TOGETHER
        assert hall.turns.begin()

    asyncio.run(run())


def test_a_batch_takes_the_room_of_its_cases() -> None:
    async def run() -> None:
        hall = Hall()
        assert hall.turns.begin()
        with hall.turns.more(TOGETHER - 1):
            await hall.come("b", 1)
            assert not hall.begun
        hall.turns.end()
        assert not await hall.end()
        assert hall.begun == ["b"]

    asyncio.run(run())


def test_on_a_machine_that_is_always_late_all_begin_too() -> None:
    async def run() -> None:
        hall = Hall(seconds_at_most=1e9)
        await hall.come("a", 3 * TOGETHER)
        ending = asyncio.ensure_future(hall.end())
        while not ending.done():
            hall.now += 1.0
            await asyncio.sleep(0)
        assert not await ending
        assert len(hall.begun) == 3 * TOGETHER

    asyncio.run(run())


def test_a_commit_that_takes_long_does_not_keep_others_from_beginning() -> None:
    async def run() -> None:
        hall = Hall()
        await hall.come("a", 2 * TOGETHER)
        while len(hall.begun) < 2 * TOGETHER:
            # Nobody ends, and nobody comes.
            await asyncio.sleep(0)
        assert not await hall.end()

    asyncio.run(run())
