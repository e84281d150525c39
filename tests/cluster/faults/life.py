"""A model that serves, and is built anew while something strikes: what must hold whatever that is, and whenever."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.kinds import DEPLOYMENT, OF_A_MODEL, POD, SERVICE, Object
from lepton.backends.kubernetes.names import deployment_name
from lepton.backends.kubernetes.workloads import selected_by
from lepton.plan.types import Key
from lepton.spec.reasons import ConditionType, Reason
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import Operator, requests, serves, status
from tests.cluster.player import Player
from tests.cluster.world import World
from tests.contract.harness import digits

LIFE_S = 2.5
"""About as long as a build takes where everything goes well at once; strikes come within it."""
CHANGED = digits(train={"epochs": 2})

MADE = tuple(kind for kind in OF_A_MODEL if kind != POD)
"""What the operator makes of a model."""
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
    },
}


@dataclass(frozen=True)
class Victim:
    """A model of a test's own, so that nothing of another is counted, and what draws the points at which to strike."""

    key: Key
    chance: random.Random

    async def moment(self) -> None:
        """The moment is what is drawn; nothing waits for it."""
        await asyncio.sleep(self.chance.uniform(0, LIFE_S))


Story = Callable[[Player, Victim], Awaitable[None]]
Strike = Callable[[World, Victim], Awaitable[None]]


def chosen(seed: str) -> Victim:
    """The one that a seed gives."""
    chance = random.Random(seed)  # noqa: S311 - when to strike is no secret
    return Victim(Key("default", f"digits-{chance.randrange(2**32):08x}"), chance)


def state(world: World, key: Key) -> dict[str, Any]:
    """Of a model, all that must not depend on what struck; pods follow what makes them, in Kubernetes' own time."""
    seen = status(world, key)
    return {
        "phase": seen.phase,
        "conditions": {one.type: one.status for one in seen.conditions},
        "revisions": {one.number: one.outcome for one in seen.revisions},
        "objects": {kind.name: len(owned) for kind in MADE if (owned := world.cache.owned(key, kind))},
    }


def says(world: World, key: Key, kind: ConditionType, *reasons: Reason) -> bool:
    """Whether a condition does not hold for one of these reasons."""
    found = [one for one in status(world, key).conditions if one.type is kind]
    return bool(found) and found[0].status != "True" and found[0].reason in reasons


def begun(plane: ControlPlane, key: Key) -> Counter[str]:
    """How often each RayJob of a model was made."""
    made = [one["objectRef"] for one in requests(plane, key.name) if one["responseStatus"]["code"] == 201]
    return Counter(one["name"] for one in made if one["resource"] == "rayjobs")


@asynccontextmanager
async def serving_all_the_while(world: World, key: Key) -> AsyncIterator[None]:
    """Users get answers from here to there, whenever the API server can be asked."""

    async def ask() -> None:
        while True:
            with suppress(TimeoutError, ApiError):
                await world.until(lambda: not _seems_to_answer(world, key), key)
                assert await answers(world, key), "nothing answers"
            await asyncio.sleep(0.05)

    asking = asyncio.create_task(ask())
    try:
        yield
        assert not asking.done(), asking.exception()
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


def _seems_to_answer(world: World, key: Key) -> bool:
    """What the watches told so far: of a Service that moves, or of the servers that it moves to, first."""
    service = world.object(SERVICE, key, key.name)
    servers = world.cache.get(DEPLOYMENT, key.namespace, deployment_name(selected_by(service)))
    return _ready(servers or {})


async def answers(world: World, key: Key) -> bool:
    """Whether the Service that users call leads to servers that take requests, as the API server has it now."""
    while True:
        selected = await _selected(world, key)
        servers: Object = {}
        with suppress(ApiError):
            servers = await world.client.get(DEPLOYMENT, key.namespace, deployment_name(selected))
        if _ready(servers):
            return True
        if await _selected(world, key) == selected:
            return False


async def _selected(world: World, key: Key) -> str:
    return selected_by(await world.client.get(SERVICE, key.namespace, key.name))


def _ready(servers: Object) -> bool:
    return bool(servers.get("status", {}).get("readyReplicas"))


async def ends_as_undisturbed(world: World, key: Key) -> None:
    """Serving what was asked for last, with nothing left over."""
    with suppress(TimeoutError):
        await world.until(lambda: state(world, key) == UNDISTURBED, key)
    assert state(world, key) == UNDISTURBED, state(world, key)


def live(plane: ControlPlane, operator: Operator, victims: Sequence[Victim], story: Story) -> None:
    """Let all live a story at once. The operator is started anew whenever it ends by itself, as the kubelet does."""

    async def told(player: Player, victim: Victim) -> None:
        try:
            await story(player, victim)
        except Exception as error:
            known = player.world.cache.model(victim.key)
            error.add_note(
                f"{victim.key.name}: {state(player.world, victim.key) if known else 'there is no such model'}"
            )
            raise

    async def all_at_once() -> None:
        async with operator.kept(), Player(plane.kubeconfig).at_work() as player, asyncio.TaskGroup() as group:
            for victim in victims:
                group.create_task(told(player, victim))

    asyncio.run(all_at_once())


def require_one_run_each(plane: ControlPlane, victims: Sequence[Victim], decisions: int) -> None:
    """For each decision one RayJob was made, and no other."""
    for victim in victims:
        runs = begun(plane, victim.key)
        assert (len(runs), set(runs.values())) == (decisions, {1}), runs


async def serve(world: World, key: Key, **spec: object) -> None:
    """Build a model, and see it serve."""
    await world.put(key, digits(**spec))
    await world.until(serves(world, key, 1), key)


async def spare(_: World, __: Victim) -> None:
    """Strike not at all."""


def live_through(
    plane: ControlPlane, operator: Operator, victims: Sequence[Victim], strike: Strike, at_first: Strike = spare
) -> None:
    """Build models, and build them anew; strike at a moment of that. Nothing may show of it in the end.

    `at_first` strikes while nothing serves yet.
    """

    async def story(player: Player, victim: Victim) -> None:
        world = player.world
        await world.put(victim.key, digits())
        await at_first(world, victim)
        await world.until(serves(world, victim.key, 1), victim.key)
        async with serving_all_the_while(world, victim.key):
            await world.put(victim.key, CHANGED)
            await victim.moment()
            await strike(world, victim)
            await ends_as_undisturbed(world, victim.key)

    live(plane, operator, victims, story)
    require_one_run_each(plane, victims, 2)
