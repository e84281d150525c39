"""The workers: what fails comes again later and no sooner; what is stopped ends in order; CPU is counted rightly."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from lepton.backends.kubernetes.client import ApiError
from lepton.plan.types import Key, Observed
from lepton.spec.reasons import Reason
from operators.lepton_operator.controller import Controller
from operators.lepton_operator.cpu import Metered
from operators.lepton_operator.metrics import Metrics
from operators.lepton_operator.queue import Queue

PETS, BIRDS = Key("zoo", "pets"), Key("zoo", "birds")


class FakeBackend:
    """Does one thing in each pass over a model, and then knows no such model."""

    is_told = True

    def __init__(self, deed: Callable[[Key], Awaitable[None]], refused: bool = False) -> None:
        self.seen: list[Key] = []
        self.confessed: list[tuple[Key, Reason]] = []
        self._deed = deed
        self._refused = refused

    async def observe(self, key: Key) -> Observed | None:
        self.seen.append(key)
        await self._deed(key)
        return None

    def is_refused(self, key: Key) -> bool:
        return self._refused

    async def confess(self, key: Key, reason: Reason, message: str) -> None:
        self.confessed.append((key, reason))


def controlled(backend: FakeBackend, queue: Queue, metrics: Metrics | None = None) -> Controller:
    return Controller(backend, queue, metrics or Metrics())  # type: ignore[arg-type]  # a fake


async def nothing(_: Key) -> None:
    pass


async def stopped(working: asyncio.Task[None]) -> None:
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


def test_however_many_settled_models_are_due_the_lease_and_the_probes_have_their_turn() -> None:
    async def story() -> int:
        queue, backend = Queue(), FakeBackend(nothing)
        for number in range(1000):
            queue.add(Key("zoo", f"pets-{number}"))
        working = asyncio.create_task(controlled(backend, queue).work_off(2, 1.0))
        while not backend.seen:
            await asyncio.sleep(0)
        seen = len(backend.seen)
        await stopped(working)
        return seen

    assert asyncio.run(story()) <= 2


def test_a_pass_that_fails_is_put_off_though_news_came_meanwhile_and_the_others_go_on() -> None:
    queue = Queue()

    async def break_down(key: Key) -> None:
        if key == PETS:
            queue.add(PETS)  # as the report of a failed pass is news
            raise ApiError(500, "InternalError", "no")

    async def story() -> tuple[list[Key], int]:
        backend = FakeBackend(break_down)
        working = asyncio.create_task(controlled(backend, queue).work_off(1, 1.0))
        queue.add(PETS)
        while len(backend.seen) < 3:
            queue.add(BIRDS)
            await asyncio.sleep(0)
        waits = len(queue)
        await stopped(working)
        return backend.seen[:3], waits

    seen, waits = asyncio.run(story())
    assert seen == [PETS, BIRDS, BIRDS]
    assert waits >= 1


def test_a_defect_is_confessed_and_what_the_api_server_refuses_is_tried_again() -> None:
    async def break_down(_: Key) -> None:
        raise KeyError("spec")

    async def story(backend: FakeBackend) -> int:
        queue = Queue()
        queue.add(PETS)
        working = asyncio.create_task(controlled(backend, queue).work_off(1, 1.0))
        while not backend.seen or len(queue) == 0:
            await asyncio.sleep(0)
        await stopped(working)
        return len(queue)

    broken, refused = FakeBackend(break_down), FakeBackend(nothing, refused=True)
    assert (asyncio.run(story(broken)), broken.confessed) == (1, [(PETS, Reason.RECONCILE_ERROR)])
    assert (asyncio.run(story(refused)), refused.confessed) == (1, [])


def test_a_defect_that_strikes_the_confession_too_ends_nobody_elses_passes() -> None:
    class Unable(FakeBackend):
        async def confess(self, key: Key, reason: Reason, message: str) -> None:
            raise KeyError("status")

    async def break_down(key: Key) -> None:
        if key == PETS:
            raise KeyError("spec")

    async def story() -> list[Key]:
        queue, backend = Queue(), Unable(break_down)
        queue.add(PETS)
        queue.add(BIRDS)
        working = asyncio.create_task(controlled(backend, queue).work_off(1, 1.0))
        while len(backend.seen) < 2 and not working.done():
            await asyncio.sleep(0)
        await stopped(working)
        return backend.seen

    assert asyncio.run(story()) == [PETS, BIRDS]


def test_passes_that_news_makes_before_the_next_try_do_not_put_it_off() -> None:
    delays: list[float] = []

    class Recorded(Queue):
        def add(self, key: Key, delay_s: float = 0.0) -> None:
            delays.append(delay_s)
            super().add(key, delay_s)

    async def story() -> None:
        queue, backend = Recorded(), FakeBackend(nothing, refused=True)
        working = asyncio.create_task(controlled(backend, queue).work_off(1, 1.0))
        for news in range(1, 21):
            queue.add(PETS)
            while len(backend.seen) < news:
                await asyncio.sleep(0)
        await stopped(working)

    asyncio.run(story())
    assert 0 < max(delays) <= 1.0


def test_who_is_stopped_ends_the_passes_under_way_and_begins_no_other() -> None:
    ended: list[Key] = []

    async def story() -> list[Key]:
        queue, begun, may_end = Queue(), asyncio.Event(), asyncio.Event()

        async def take_long(key: Key) -> None:
            begun.set()
            await may_end.wait()
            ended.append(key)

        backend = FakeBackend(take_long)
        working = asyncio.create_task(controlled(backend, queue).work_off(1, 60.0))
        queue.add(PETS)
        queue.add(BIRDS)
        await begun.wait()
        working.cancel()
        await asyncio.sleep(0)
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await working
        return backend.seen

    assert (asyncio.run(story()), ended) == ([PETS], [PETS])


def test_a_pass_that_does_not_end_keeps_nobody_from_stopping() -> None:
    async def story() -> bool:
        queue, begun, cut = Queue(), asyncio.Event(), asyncio.Event()

        async def hang(_: Key) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                cut.set()

        working = asyncio.create_task(controlled(FakeBackend(hang), queue).work_off(1, 0.01))
        queue.add(PETS)
        await begun.wait()
        await stopped(working)
        await asyncio.wait_for(cut.wait(), 5)
        return cut.is_set()

    assert asyncio.run(story())


def test_the_cpu_of_a_pass_is_its_own_and_not_that_of_what_runs_while_it_waits() -> None:
    def burn(cpu_s: float) -> None:
        end = time.thread_time() + cpu_s
        while time.thread_time() < end:
            pass

    async def short(turn: asyncio.Event) -> str:
        burn(0.01)
        await turn.wait()
        burn(0.01)
        return "done"

    async def story() -> tuple[str, float]:
        turn = asyncio.Event()
        metered = Metered(short(turn))

        async def other() -> None:
            burn(0.2)
            turn.set()

        waiting = asyncio.create_task(other())
        told = await metered
        await waiting
        return told, metered.cpu_s

    told, cpu_s = asyncio.run(story())
    assert told == "done"
    assert 0.02 <= cpu_s < 0.1


def test_a_metered_pass_hears_of_its_cancellation_and_of_failures() -> None:
    async def story() -> list[str]:
        heard = []

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                heard.append("cancelled")
                raise

        async def metered() -> None:
            await Metered(work())

        task = asyncio.create_task(metered())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        heard.append("ended" if task.cancelled() else "went on")
        return heard

    assert asyncio.run(story()) == ["cancelled", "ended"]
