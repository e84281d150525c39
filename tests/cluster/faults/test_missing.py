"""What the cluster lacks for a while: the condition says it, what serves still serves, the work goes on by itself."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lepton.backends.kubernetes.kinds import (
    DEPLOYMENT,
    INFERENCE_SERVICE,
    LEPTON_MODEL,
    OF_A_MODEL,
    RAY_JOB,
    Kind,
)
from lepton.plan.types import Key
from lepton.spec.reasons import ConditionType, Reason
from tests.cluster.control_plane import ControlPlane
from tests.cluster.faults.life import (
    CHANGED,
    begun,
    ends_as_undisturbed,
    moment,
    says,
    serving_all_the_while,
    until,
)
from tests.cluster.operator import Operator, playing, serves, status
from tests.cluster.parts import CRD, define
from tests.cluster.test_faults import QUOTA
from tests.cluster.world import World
from tests.contract.harness import digits


@asynccontextmanager
async def without(world: World, kind: Kind) -> AsyncIterator[None]:
    """A CustomResourceDefinition is removed, with all of its kind; then it is put back, and served."""
    name = f"{kind.plural}.{kind.api_version.partition('/')[0]}"
    definition = await world.client.get(CRD, "", name)
    await world.client.delete(CRD, "", name)
    await until(lambda: not world.cache.serves(kind))
    try:
        yield
    finally:
        head = {"apiVersion": CRD.api_version, "kind": CRD.name, "metadata": {"name": name}}
        await define(world.client, [{**head, "spec": definition["spec"]}])


def test_kuberay_is_removed_and_installed_again(
    control_plane: ControlPlane, operator: Operator, key: Key, chance: random.Random
) -> None:
    async def story() -> None:
        async with playing(control_plane) as world:
            await world.put(key, digits())
            await until(serves(world, key, 1))
            async with serving_all_the_while(world, key):
                async with without(world, RAY_JOB):
                    await world.put(key, CHANGED)
                    await until(lambda: says(world, key, ConditionType.READY, Reason.NOT_INSTALLED))
                    await moment(chance)
                await until(serves(world, key, 2))

    asyncio.run(story())
    assert set(begun(control_plane, key).values()) == {1}
    assert len(begun(control_plane, key)) == 2


def test_kserve_is_removed_and_installed_again(
    furnished: ControlPlane, tmp_path: Path, key: Key, chance: random.Random
) -> None:
    """Its servers go with it, whatever Lepton does: they are KServe's."""

    async def story() -> None:
        async with playing(furnished) as world:
            await world.put(key, digits(deploy={"engine": "kserve"}))
            await until(serves(world, key, 1))
            await moment(chance)
            async with without(world, INFERENCE_SERVICE):
                await until(lambda: says(world, key, ConditionType.READY, Reason.NOT_INSTALLED))
                await moment(chance)
            await until(serves(world, key, 1))
            assert [one.number for one in status(world, key).revisions] == [1]

    with Operator(furnished, tmp_path / "operator"):
        asyncio.run(story())
    assert set(begun(furnished, key).values()) == {1}


def test_a_quota_is_exceeded_for_a_while(
    control_plane: ControlPlane, operator: Operator, key: Key, chance: random.Random
) -> None:
    kind, reason = chance.choice([("deployments.apps", "an endpoint"), ("rayjobs.ray.io", "a build")])

    async def story() -> None:
        async with playing(control_plane) as world:
            await world.put(key, digits())
            await until(serves(world, key, 1))
            async with serving_all_the_while(world, key):
                await forbid_another(world, key, kind)
                try:
                    await world.put(key, CHANGED)
                    await until(lambda: says(world, key, ConditionType.READY, Reason.QUOTA_EXCEEDED))
                    await moment(chance)
                finally:
                    await world.client.delete(QUOTA, key.namespace, "small")
                await ends_as_undisturbed(world, key)

    asyncio.run(story())
    assert set(begun(control_plane, key).values()) == {1}, reason
    assert len(begun(control_plane, key)) == 2


async def forbid_another(world: World, key: Key, kind: str) -> None:
    """A quota of none but what is there; it holds once the quota controller has counted."""
    metadata = {"name": "small", "namespace": key.namespace}
    spec = {"hard": {f"count/{kind}": "1"}}
    await world.client.apply(QUOTA, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec})
    async with asyncio.timeout(60):
        while not (await world.client.get(QUOTA, key.namespace, "small")).get("status", {}).get("used"):
            await asyncio.sleep(0.05)


def test_the_definition_of_leptonmodels_is_removed_and_put_back(
    control_plane: ControlPlane, operator: Operator, key: Key, chance: random.Random
) -> None:
    """To Kubernetes that is the deletion of every model, so what was made for one goes too; the operator goes on."""

    async def story() -> None:
        async with playing(control_plane) as world:
            await world.put(key, digits())
            await moment(chance)
            async with without(world, LEPTON_MODEL):
                await until(lambda: not any(world.cache.owned(key, kind) for kind in OF_A_MODEL))
                assert operator.status() is None
            await world.put(key, digits())
            await until(serves(world, key, 1))
            assert operator.status() is None
            assert [one.number for one in status(world, key).revisions] == [1]
            assert len(world.cache.owned(key, DEPLOYMENT)) == 1

    asyncio.run(story())
