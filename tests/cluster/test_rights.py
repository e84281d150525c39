"""The operator has the least rights: all that manifests/rbac grants is used in the life of a model, and suffices."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from lepton.backends.kubernetes.kinds import CONFIG_MAP, LEPTON_MODEL, RAY_JOB, RAY_SERVICE
from lepton.plan.types import Key
from tests.cluster.control_plane import ControlPlane
from tests.cluster.harness import WITH_GATEWAY
from tests.cluster.operator import Operator, requests, serves
from tests.cluster.parts import definitions
from tests.cluster.player import playing
from tests.cluster.world import World
from tests.contract.harness import digits

KEY = Key("default", "digits")
RIGHTS = Path(__file__).parents[2] / "manifests" / "rbac"
Right = tuple[str, str]
"""Resource (with its subresource) and verb."""


def granted() -> set[Right]:
    rules = [rule for one in definitions(RIGHTS) for rule in one.get("rules", ())]
    return {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}


def used(plane: ControlPlane) -> set[Right]:
    """What the operator asked for and got. An apply that made something needs the right to create it too."""
    found: set[Right] = set()
    for event in requests(plane):
        target = event["objectRef"]
        resource = "/".join(filter(None, (target["resource"], target.get("subresource"))))
        found.add((resource, event["verb"]))
        if event["verb"] == "patch" and event["responseStatus"]["code"] == 201:
            found.add((resource, "create"))
    return found


async def life(world: World) -> None:
    """A build that dies without a word and is tried again."""
    await world.put(KEY, digits())
    await world.until(lambda: bool(world.cache.owned(KEY, RAY_JOB)))
    (build,) = world.cache.owned(KEY, CONFIG_MAP)
    await world.fail_run(KEY, build)
    await world.until(lambda: '"attempt":1' in world.object(CONFIG_MAP, KEY, build)["data"]["order.json"])


@pytest.fixture
def with_gateway(furnished: ControlPlane, tmp_path: Path) -> Iterator[Operator]:
    made = Operator(furnished, tmp_path / "operator", settings=WITH_GATEWAY)
    made.start()
    yield made
    made.kill()


def test_what_is_granted_suffices_and_is_used(furnished: ControlPlane, with_gateway: Operator) -> None:
    async def story() -> None:
        async with World(furnished.kubeconfig) as world:
            await life(world)
        async with playing(furnished) as world:
            await world.until(serves(world, KEY, 1))
            await world.put(KEY, digits(train={"epochs": 2}, deploy={"engine": "triton"}))
            await world.until(serves(world, KEY, 2))
            await world.put(KEY, digits(train={"epochs": 2}, deploy={"engine": "rayserve"}))
            await world.until(lambda: bool(world.cache.owned(KEY, RAY_SERVICE)))
            await world.put(KEY, digits(train={"epochs": 2}, deploy={"engine": "triton"}))
            await world.until(lambda: not world.cache.owned(KEY, RAY_SERVICE))
            await world.client.delete(LEPTON_MODEL, KEY.namespace, KEY.name)
            await world.until(lambda: world.cache.model(KEY) is None)

    asyncio.run(story())
    assert used(furnished) == granted()
