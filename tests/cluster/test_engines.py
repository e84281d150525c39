"""Who looks after the servers: a Deployment, KServe or KubeRay; how a model gets from one to another and back."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from lepton.backends.kubernetes.kinds import (
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    INFERENCE_SERVICE,
    LEPTON_MODEL,
    POD,
    RAY_SERVICE,
    SERVICE,
)
from lepton.backends.kubernetes.names import WORKLOAD
from lepton.backends.kubernetes.workloads import labels_of, ready_servers
from lepton.plan.types import Key
from lepton.spec.reasons import ConditionType, Reason
from lepton.spec.status import Condition
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import Operator, serves, status
from tests.cluster.player import playing
from tests.cluster.world import World
from tests.contract.harness import digits

KEY = Key("default", "digits")


def condition(world: World, kind: ConditionType) -> Condition:
    return next(one for one in status(world, KEY).conditions if one.type is kind)


def parts(world: World) -> dict[str, list[str]]:
    """What serves, whoever made it."""
    kinds = (DEPLOYMENT, INFERENCE_SERVICE, RAY_SERVICE, DISRUPTION_BUDGET)
    return {kind.name: sorted(world.cache.owned(KEY, kind)) for kind in kinds}


def answers(world: World) -> bool:
    """Whether the Service that users call leads to servers that take requests."""
    workload = world.object(SERVICE, KEY, KEY.name)["spec"]["selector"][WORKLOAD]
    return bool(ready_servers(workload, partial(world.cache.owned, KEY)))


def may_go(world: World, workload: str) -> int:
    """How many servers Kubernetes lets be evicted now."""
    allowed: int = world.object(DISRUPTION_BUDGET, KEY, workload).get("status", {}).get("disruptionsAllowed", 0)
    return allowed


async def until_it_is_made_of(world: World, wanted: dict[str, list[str]]) -> None:
    """Wait, and see that users get answers all the while."""

    def holds() -> bool:
        assert answers(world)
        return parts(world) == wanted

    await world.until(holds)


@pytest.fixture
def with_kserve(furnished: ControlPlane, tmp_path: Path) -> Iterator[Operator]:
    made = Operator(furnished, tmp_path / "operator")
    made.start()
    yield made
    made.kill()


def test_a_model_goes_to_another_engine_and_back_without_a_gap_and_leaves_nothing(
    furnished: ControlPlane, with_kserve: Operator
) -> None:
    async def story() -> None:
        async with playing(furnished) as world:
            await world.put(KEY, digits())
            await world.until(serves(world, KEY, 1))
            plain = world.object(SERVICE, KEY, KEY.name)["spec"]["selector"][WORKLOAD].removesuffix("-kserve")
            kserve = f"{plain}-kserve"
            by_kserve = {
                "Deployment": [f"{kserve}-predictor"],
                "InferenceService": [kserve],
                "RayService": [],
                "PodDisruptionBudget": [kserve],
            }
            await until_it_is_made_of(world, by_kserve)
            await world.put(KEY, digits(deploy={"engine": "triton"}))
            without = {
                "Deployment": [plain],
                "InferenceService": [],
                "RayService": [],
                "PodDisruptionBudget": [plain],
            }
            await until_it_is_made_of(world, without)
            await world.put(KEY, digits(deploy={"engine": "rayserve", "replicas": 2}))
            rayserve = f"{plain}-rayserve"
            by_kuberay = {
                "Deployment": [],
                "InferenceService": [],
                "RayService": [rayserve],
                "PodDisruptionBudget": [rayserve],
            }
            await until_it_is_made_of(world, by_kuberay)
            pods = world.cache.owned(KEY, POD).values()
            assert sum(labels_of(pod).get(WORKLOAD) == rayserve for pod in pods) == 2
            await world.until(lambda: may_go(world, rayserve) == 1)
            await world.put(KEY, digits(deploy={"engine": "kserve"}))
            await until_it_is_made_of(world, by_kserve)
            assert [one.number for one in status(world, KEY).revisions] == [1]
            await world.client.delete(LEPTON_MODEL, KEY.namespace, KEY.name)
            await world.until(lambda: not any(parts(world).values()))

    asyncio.run(story())


def test_an_engine_that_is_not_installed_is_told_and_what_served_before_still_serves(
    control_plane: ControlPlane, operator: Operator
) -> None:
    async def story() -> None:
        async with playing(control_plane) as world:
            await world.put(KEY, digits())
            await world.until(serves(world, KEY, 1))
            await world.put(KEY, digits(deploy={"engine": "kserve"}))
            await world.until(lambda: condition(world, ConditionType.READY).reason is Reason.NOT_INSTALLED)
            told = condition(world, ConditionType.READY).message
            assert "KServe is not installed on this cluster: install it, or let deploy.engine be auto" in told
            assert "users still get answers meanwhile" in told
            assert condition(world, ConditionType.SERVING).status == "True"
            assert answers(world)
            await world.put(KEY, digits())
            await world.until(lambda: condition(world, ConditionType.READY).status == "True")

    asyncio.run(story())
