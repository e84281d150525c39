"""Whose pass is due, and when: a model is in the queue once, at the earliest of the times asked for."""

import time
from collections.abc import Callable, Collection

from lepton.plan.types import Key


class Queue:
    """Used by the control loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: dict[Key, float] = {}

    def add(self, key: Key, delay_s: float = 0.0) -> None:
        """Ask for a pass after so many seconds; an earlier one that was asked for stays."""
        at = self._clock() + delay_s
        self._due[key] = min(at, self._due.get(key, at))

    def due(self, most: int, busy: Collection[Key]) -> list[Key]:
        """Take out those that are due, the longest waiting first, except the busy ones, which stay for later."""
        now = self._clock()
        ready = sorted((at, key) for key, at in self._due.items() if at <= now and key not in busy)
        taken = [key for _, key in ready[: max(0, most)]]
        for key in taken:
            del self._due[key]
        return taken

    def waiting(self) -> int:
        """How many are due and still wait."""
        now = self._clock()
        return sum(at <= now for at in self._due.values())
