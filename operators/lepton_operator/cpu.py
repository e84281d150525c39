"""The CPU time of one pass. The controller meters each.

A pass waits for the API server, and meanwhile its thread works on other passes: the thread's clock from begin to end
would count theirs too. So the clock is read around each step of the pass's own coroutine, from one wait to the next.
What the event loop spends besides (sockets, TLS, the watches) is not of any pass and not counted.
"""

import time
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Metered(Generic[T]):
    """Awaits a coroutine; `cpu_s` is then what its steps took, however it ended."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self.cpu_s = 0.0
        self._work = work

    def __await__(self) -> Generator[Any, Any, T]:
        """The outcome of the work."""
        step: Any = self._work.send
        given: Any = None
        while True:
            began = time.thread_time()
            try:
                waits_for = step(given)
            except StopIteration as done:
                result: T = done.value
                return result
            finally:
                self.cpu_s += time.thread_time() - began
            try:
                step, given = self._work.send, (yield waits_for)
            except BaseException as error:  # noqa: BLE001 - a cancellation too is the coroutine's to hear of
                step, given = self._work.throw, error
