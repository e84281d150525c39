"""What the cluster lacks for a while: the condition says it, what serves still serves, the work goes on by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from lepton.backends.kubernetes.kinds import DEPLOYMENT, INFERENCE_SERVICE, LEPTON_MODEL, OF_A_MODEL, RAY_JOB, Kind
from lepton.plan.types import Key
from lepton.spec.reasons import ConditionType, Reason
from tests.cluster.conftest import NAMESPACES
from tests.cluster.control_plane import ControlPlane
from tests.cluster.faults.life import (
    CHANGED,
    Victim,
    ends_as_undisturbed,
    live,
    require_one_run_each,
    says,
    serve,
    serving_all_the_while,
)
from tests.cluster.operator import Operator, serves, status
from tests.cluster.parts import CRD, define
from tests.cluster.player import Player
from tests.cluster.world import PATIENCE_S, World
from tests.contract.harness import digits

QUOTA = Kind("v1", "ResourceQuota", "resourcequotas")


@asynccontextmanager
async def without(world: World, kind: Kind) -> AsyncIterator[None]:
    """A CustomResourceDefinition is removed, with all of its kind; then it is put back, and served."""
    name = f"{kind.plural}.{kind.api_version.partition('/')[0]}"
    definition = await world.client.get(CRD, "", name)
    await world.client.delete(CRD, "", name)
    await world.until(lambda: not world.cache.serves(kind))
    try:
        yield
    finally:
        head = {"apiVersion": CRD.api_version, "kind": CRD.name, "metadata": {"name": name}}
        await define(world.client, [{**head, "spec": definition["spec"]}])


@asynccontextmanager
async def all_without(world: World, kind: Kind, victims: asyncio.Barrier) -> AsyncIterator[None]:
    """One removal for all victims: from when each has come here until each has come to the end of the block."""
    async with AsyncExitStack() as removal:
        if await victims.wait() == 0:
            await removal.enter_async_context(without(world, kind))
        await world.until(lambda: not world.cache.serves(kind))
        yield
        await victims.wait()
    await victims.wait()


def message(world: World, key: Key) -> str:
    """What Ready says."""
    return next(one.message for one in status(world, key).conditions if one.type is ConditionType.READY)


@pytest.mark.parametrize("kind", ["deployments.apps", "rayjobs.ray.io"])
def test_a_quota_is_exceeded_for_a_while(
    control_plane: ControlPlane, operator: Operator, victims: list[Victim], kind: str
) -> None:
    async def story(player: Player, victim: Victim) -> None:
        world, key = player.world, victim.key
        await world.client.apply(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": key.name}})
        await serve(world, key)
        async with serving_all_the_while(world, key):
            await forbid_another(world, key, kind)
            await world.put(key, CHANGED)
            await world.until(lambda: says(world, key, ConditionType.READY, Reason.QUOTA_EXCEEDED), key)
            await victim.moment()
            await world.client.delete(QUOTA, key.namespace, "small")
            await ends_as_undisturbed(world, key)

    victims = [replace(one, key=Key(one.key.name, one.key.name)) for one in victims]  # each in a namespace of its own
    live(control_plane, operator, victims, story)
    require_one_run_each(control_plane, victims, 2)


async def forbid_another(world: World, key: Key, kind: str) -> None:
    """A quota of none but what is there; it holds once the quota controller has counted that."""
    metadata = {"name": "small", "namespace": key.namespace}
    spec = {"hard": {f"count/{kind}": "1"}}
    await world.client.apply(QUOTA, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec})
    async with asyncio.timeout(PATIENCE_S):
        while (await world.client.get(QUOTA, key.namespace, "small")).get("status", {}).get("used") != spec["hard"]:
            await asyncio.sleep(0.05)


def test_kuberay_is_removed_and_installed_again(
    control_plane: ControlPlane, operator: Operator, victims: list[Victim]
) -> None:
    together = asyncio.Barrier(len(victims))

    async def story(player: Player, victim: Victim) -> None:
        world, key = player.world, victim.key
        await serve(world, key)
        async with serving_all_the_while(world, key):
            async with all_without(world, RAY_JOB, together):
                await victim.moment()
                await world.put(key, CHANGED)
                await world.until(lambda: says(world, key, ConditionType.READY, Reason.NOT_INSTALLED), key)
                assert "KubeRay is not installed on this cluster: install it" in message(world, key)
            await world.until(serves(world, key, 2), key)

    live(control_plane, operator, victims, story)
    require_one_run_each(control_plane, victims, 2)


def test_kserve_is_removed_and_installed_again(
    furnished: ControlPlane, furnished_operator: Operator, victims: list[Victim]
) -> None:
    """Its servers go with it, whatever Lepton does: they are KServe's."""
    together = asyncio.Barrier(len(victims))

    async def story(player: Player, victim: Victim) -> None:
        world, key = player.world, victim.key
        await world.put(key, digits(deploy={"engine": "kserve"}))
        await world.until(serves(world, key, 1), key)
        async with all_without(world, INFERENCE_SERVICE, together):
            await world.until(lambda: says(world, key, ConditionType.READY, Reason.NOT_INSTALLED), key)
            await victim.moment()
        await world.until(serves(world, key, 1), key)
        assert [one.number for one in status(world, key).revisions] == [1]

    live(furnished, furnished_operator, victims, story)
    require_one_run_each(furnished, victims, 1)


def test_the_definition_of_leptonmodels_is_removed_and_put_back(
    control_plane: ControlPlane, operator: Operator, victims: list[Victim]
) -> None:
    """To Kubernetes that is the deletion of every model, so what was made for one goes too; the operator goes on.

    What is made for one in that very moment goes once its kind is known again: only then can its owner be looked for.
    """
    together = asyncio.Barrier(len(victims))

    async def story(player: Player, victim: Victim) -> None:
        world, key = player.world, victim.key
        await victim.moment()
        await world.put(key, digits())
        async with all_without(world, LEPTON_MODEL, together):
            await victim.moment()
        await world.until(lambda: not any(world.cache.owned(key, kind) for kind in OF_A_MODEL), key)
        await serve(world, key)
        assert [one.number for one in status(world, key).revisions] == [1]
        assert len(world.cache.owned(key, DEPLOYMENT)) == 1

    live(control_plane, operator, victims, story)
