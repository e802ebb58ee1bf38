"""How long work for many cases goes on before calls of their own have their turn."""

import asyncio

# From its bytes to its answer a call of its own comes back to the loop so often; were it one turn
# each, it would wait for as many parts of a batch.
_TURNS_OF_A_CALL = 5


async def give_way() -> None:
    """Lets calls of their own get on: to their commit, or from there to their answer."""
    for _ in range(_TURNS_OF_A_CALL):
        await asyncio.sleep(0)
