"""Threads that run blocking calls for an event loop, each call at half of what a ThreadPoolExecutor costs.

An executor has a future of its own with a lock for each call and copies it into one of asyncio's; here the
result goes straight into asyncio's. It matters where a call is as short as a look into the database.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


class WorkerThreads:
    """`count` threads that take calls in the order in which they were asked for, started by the first.

    >>> threads = WorkerThreads(1, "writer")
    >>> await threads.run(lambda: write(row))
    >>> threads.close()
    """

    def __init__(self, count: int, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads = [
            # A process that ends without closing them does not wait: what a call has not committed is undone.
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(count)
        ]
        self._started = False

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """What `call` returns or raises. Cancelled before its turn came, it is never run; else to its end."""
        if not self._started:
            self._started = True
            for thread in self._threads:
                thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((loop, future, call))
        return future

    def close(self) -> None:
        """End when all that was asked for is done; blocks until then."""
        if self._started:
            for _ in self._threads:
                self._jobs.put(None)
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            loop, future, call = job
            if future.cancelled():
                continue
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - it is raised where the call was asked for
                _tell(loop, _fail, future, error)
            else:
                _tell(loop, _finish, future, result)
            del job, future, call  # or what they hold would live until the next call


def _tell(loop: asyncio.AbstractEventLoop, tell: Callable[..., None], future: Any, what: Any) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(tell, future, what)


def _finish(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        # No future takes a StopIteration; in a coroutine it becomes this too (PEP 479).
        future.set_exception(RuntimeError("StopIteration") if isinstance(error, StopIteration) else error)
