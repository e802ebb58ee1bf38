"""The one event loop that servers and clients of grpc.aio run on in a process of tests.

grpc.aio has one poller for all loops of a process. What arrives late for a call whose loop was
closed with its test is an error in whichever test runs by then.
"""

import asyncio
import atexit
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

# No test waits as long for anything it asks of the loop.
SECONDS = 60


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs it on the loop, and gives what it gives. What it began there goes on."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop()).result(SECONDS)


def run_whole(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs it on the loop, and cancels what it began and left, as `asyncio.run` does."""

    async def whole() -> T:
        before = asyncio.all_tasks()
        try:
            return await coroutine
        finally:
            left = asyncio.all_tasks() - before
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    return run(whole())


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Gives the loop, on a thread of its own: modules keep servers there while tests run."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="the tests' event loop", daemon=True)
    thread.start()

    def stop() -> None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    atexit.register(stop)
    return loop
