"""A model that serves, and is built anew while something strikes: what must hold whatever that is, and whenever."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.kinds import DEPLOYMENT, LEPTON_MODEL, OF_A_MODEL, SERVICE
from lepton.backends.kubernetes.names import WORKLOAD, deployment_name
from lepton.plan.types import Key
from lepton.spec.reasons import ConditionType, Reason
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import playing, requests, serves, status
from tests.cluster.world import World
from tests.contract.harness import digits

PATIENCE_S = 150.0
"""More than twice the longest that the operator waits before it tries again."""
LIFE_S = 2.5
"""About as long as a build takes where everything goes well at once; strikes come within it."""
CHANGED = digits(train={"epochs": 2})

Strike = Callable[[World], Awaitable[None]]

UNDISTURBED: dict[str, Any] = {
    "phase": "Serving",
    "conditions": dict.fromkeys(ConditionType, "True"),
    "revisions": {2: "Passed", 1: "Passed"},
    "objects": {
        "ConfigMap": 4,
        "Service": 1,
        "Deployment": 1,
        "PodDisruptionBudget": 1,
        "Job": 2,
        "RayJob": 2,
        "Pod": 3,
    },
}


def state(world: World, key: Key) -> dict[str, Any]:
    """Of a model, all that must not depend on what struck."""
    seen = status(world, key)
    return {
        "phase": seen.phase,
        "conditions": {one.type: one.status for one in seen.conditions},
        "revisions": {one.number: one.outcome for one in seen.revisions},
        "objects": {kind.name: len(owned) for kind in OF_A_MODEL if (owned := world.cache.owned(key, kind))},
    }


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.01)


async def moment(chance: random.Random) -> None:
    """The moment is what is drawn; nothing waits for it."""
    await asyncio.sleep(chance.uniform(0, LIFE_S))


def says(world: World, key: Key, kind: ConditionType, *reasons: Reason) -> bool:
    """Whether a condition does not hold for one of these reasons."""
    found = [one for one in status(world, key).conditions if one.type is kind]
    return bool(found) and found[0].status != "True" and found[0].reason in reasons


def begun(plane: ControlPlane, key: Key) -> Counter[str]:
    """How often each RayJob of a model was made."""
    targets = [one["objectRef"] for one in requests(plane) if one["responseStatus"]["code"] == 201]
    names = [one["name"] for one in targets if one["resource"] == "rayjobs"]
    return Counter(name for name in names if name.startswith(key.name))


async def answers(world: World, key: Key) -> bool:
    """Whether the Service that users call leads to servers that take requests, as the API server has it now."""
    while True:
        selected = await _selected(world, key)
        servers = {}
        with suppress(ApiError):
            servers = await world.client.get(DEPLOYMENT, key.namespace, deployment_name(selected))
        if servers.get("status", {}).get("readyReplicas"):
            return True
        if await _selected(world, key) == selected:
            return False


async def _selected(world: World, key: Key) -> str:
    return str((await world.client.get(SERVICE, key.namespace, key.name))["spec"]["selector"][WORKLOAD])


@asynccontextmanager
async def serving_all_the_while(world: World, key: Key) -> AsyncIterator[None]:
    """Users get answers from here to there, whenever the API server can be asked."""

    async def ask() -> None:
        while True:
            with suppress(ApiError):
                assert await answers(world, key), "nothing answers"
            await asyncio.sleep(0.1)

    asking = asyncio.create_task(ask())
    try:
        yield
        assert not asking.done(), asking.exception()
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def ends_as_undisturbed(world: World, key: Key) -> None:
    """Serving what was asked for last, with nothing left over."""
    await until(serves(world, key, 2))
    with suppress(TimeoutError):
        await until(lambda: state(world, key) == UNDISTURBED)
    assert state(world, key) == UNDISTURBED, state(world, key)


def live_through(
    plane: ControlPlane,
    key: Key,
    chance: random.Random,
    strike: Strike,
    *around: AbstractAsyncContextManager[object],
) -> None:
    """Build a model, and build it anew; strike at a moment of that. Nothing may show of it in the end."""

    async def story() -> None:
        async with AsyncExitStack() as stack:
            for one in around:
                await stack.enter_async_context(one)
            world = await stack.enter_async_context(playing(plane))
            await world.put(key, digits())
            await until(serves(world, key, 1))
            async with serving_all_the_while(world, key):
                await world.put(key, CHANGED)
                await moment(chance)
                await strike(world)
                await ends_as_undisturbed(world, key)
            await world.client.delete(LEPTON_MODEL, key.namespace, key.name)
            await until(lambda: world.cache.model(key) is None)

    asyncio.run(story())
    assert set(begun(plane, key).values()) == {1}
    assert len(begun(plane, key)) == 2, "one RayJob for each decision"
