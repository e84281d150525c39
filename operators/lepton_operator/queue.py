"""Whose pass is due: each model is in the queue once, is worked on once at a time, and may be put off."""

import asyncio
import heapq
import time
from contextlib import suppress

from lepton.plan.types import Key


class Queue:
    """What is added while it is worked on comes again afterwards."""

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []
        self._at_work: set[Key] = set()
        self._changed = asyncio.Event()
        self._closed = False

    def add(self, key: Key, delay_s: float = 0.0) -> None:
        """Ask for a pass after so many seconds; an earlier one that was asked for stays."""
        at = time.monotonic() + delay_s
        if at < self._due.get(key, float("inf")):
            self._due[key] = at
            heapq.heappush(self._heap, (at, key))
            self._changed.set()

    def put_off(self, key: Key, delay_s: float) -> None:
        """Ask for a pass after so many seconds and none before, but for what is asked for from now on."""
        self._due.pop(key, None)
        self.add(key, delay_s)

    async def get(self) -> Key | None:
        """Wait for the next that is due and that nobody works on, and take it. None once the queue is closed."""
        while not self._closed:
            key, wait_s = self._next()
            if key is not None:
                return key
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
        return None

    def done(self, key: Key) -> None:
        """The pass has ended."""
        self._at_work.discard(key)
        if key in self._due:
            heapq.heappush(self._heap, (self._due[key], key))
            self._changed.set()

    def close(self) -> None:
        """Give out no more."""
        self._closed = True
        self._changed.set()

    def __len__(self) -> int:
        """How many are due, or will be."""
        return len(self._due)

    def _next(self) -> tuple[Key | None, float | None]:
        """One that is due; else the seconds until one will be, None where there is none."""
        while self._heap:
            at, key = self._heap[0]
            if self._due.get(key) != at or key in self._at_work:  # put forward since then, or comes again when done
                heapq.heappop(self._heap)
                continue
            wait_s = at - time.monotonic()
            if wait_s > 0:
                return None, wait_s
            heapq.heappop(self._heap)
            del self._due[key]
            self._at_work.add(key)
            return key, None
        return None, None
