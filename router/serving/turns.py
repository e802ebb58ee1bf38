"""How long work for many cases goes on before calls of their own have their turn."""

import asyncio
import time
from math import inf

# From its bytes to its answer a call of its own comes back to the loop so often; were it one turn
# each, it would wait for as many parts of a batch.
_TURNS_OF_A_CALL = 5
# So long after a call of its own another one is expected.
_REMEMBERED_SECONDS = 1.0


async def give_way() -> None:
    """Lets calls of their own get on: to their commit, or from there to their answer."""
    for _ in range(_TURNS_OF_A_CALL):
        await asyncio.sleep(0)


class Turns:
    """Tells work for many cases whether calls of their own come beside it.

    Short turns cost a batch a quarter of its speed, which is worth it only if somebody gains. The
    first call after a pause waits for what is left of one long turn.
    """

    def __init__(self) -> None:
        self._came = -inf

    def one_came(self) -> None:
        """Notes a call of its own."""
        self._came = time.monotonic()

    @property
    def shared(self) -> bool:
        """Whether such calls came of late."""
        return time.monotonic() - self._came < _REMEMBERED_SECONDS

    async def give_way(self) -> None:
        """Lets calls of their own get on, or, if none came of late, one come."""
        if self.shared:
            await give_way()
        else:
            await asyncio.sleep(0)
