"""The operator's queue: each model once, one pass at a time, nothing forgotten."""

import asyncio

import pytest

from lepton.plan.types import Key
from operators.lepton_operator.queue import Queue

PETS, BIRDS = Key("zoo", "pets"), Key("zoo", "birds")


def test_what_is_added_often_comes_once() -> None:
    async def story() -> tuple[Key | None, int]:
        queue = Queue()
        for _ in range(5):
            queue.add(PETS)
        return await queue.get(), len(queue)

    assert asyncio.run(story()) == (PETS, 0)


def test_what_changes_during_a_pass_comes_again_only_after_it() -> None:
    async def story() -> list[Key | None]:
        queue = Queue()
        queue.add(PETS)
        taken = [await queue.get()]
        queue.add(PETS)
        queue.add(BIRDS)
        taken.append(await queue.get())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 0.02)
        queue.done(PETS)
        return [*taken, await asyncio.wait_for(queue.get(), 1)]

    assert asyncio.run(story()) == [PETS, BIRDS, PETS]


def test_the_earlier_of_two_times_counts() -> None:
    async def story() -> tuple[Key | None, Key | None]:
        queue = Queue()
        queue.add(PETS, 3600)
        queue.add(BIRDS, 0.02)
        queue.add(BIRDS, 3600)
        first = await asyncio.wait_for(queue.get(), 1)
        queue.add(PETS)
        return first, await asyncio.wait_for(queue.get(), 1)

    assert asyncio.run(story()) == (BIRDS, PETS)


def test_whoever_waits_is_woken_by_what_comes() -> None:
    async def story() -> Key | None:
        queue = Queue()
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add(PETS)
        return await asyncio.wait_for(waiting, 1)

    assert asyncio.run(story()) == PETS


def test_several_workers_never_have_the_same_model_at_once() -> None:
    async def story() -> tuple[int, bool]:
        queue, at_work, most, passes = Queue(), 0, 0, 0

        async def worker() -> None:
            nonlocal at_work, most, passes
            while passes < 50:
                key = await queue.get()
                assert key is not None
                at_work, passes = at_work + 1, passes + 1
                most = max(most, at_work)
                queue.add(key)
                await asyncio.sleep(0)
                at_work -= 1
                queue.done(key)

        queue.add(PETS)
        workers = [asyncio.create_task(worker()) for _ in range(4)]
        await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        for task in workers:
            task.cancel()
        return most, passes >= 50

    assert asyncio.run(story()) == (1, True)


def test_what_is_put_off_comes_no_sooner_unless_it_is_asked_for_anew() -> None:
    async def story() -> Key | None:
        queue = Queue()
        queue.add(PETS)
        queue.put_off(PETS, 3600)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 0.02)
        assert len(queue) == 1
        queue.add(PETS)
        return await asyncio.wait_for(queue.get(), 1)

    assert asyncio.run(story()) == PETS


def test_a_queue_that_is_closed_gives_nothing_and_lets_nobody_wait() -> None:
    async def story() -> tuple[Key | None, Key | None]:
        queue = Queue()
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.close()
        queue.add(PETS)
        return await asyncio.wait_for(waiting, 1), await queue.get()

    assert asyncio.run(story()) == (None, None)
