"""What goes wrong around the operator: it says so, what serves goes on, and it goes on by itself once it is mended."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.kinds import CONFIG_MAP, LEPTON_MODEL, OF_A_MODEL, RAY_JOB, Kind, Object
from lepton.plan.types import Key
from lepton.report import Progress
from lepton.spec.reasons import ConditionType, Reason
from lepton.spec.status import Condition
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import Operator, playing, serves, status
from tests.cluster.parts import CRD
from tests.cluster.world import PATIENCE_S, World
from tests.contract.harness import digits

KEY = Key("default", "digits")
QUOTA = Kind("v1", "ResourceQuota", "resourcequotas")


def condition(world: World, kind: ConditionType) -> Condition | None:
    return next((one for one in status(world, KEY).conditions if one.type is kind), None)


def says(world: World, kind: ConditionType, reason: Reason) -> bool:
    found = condition(world, kind)
    return found is not None and (found.status, found.reason) == ("False", reason)


async def forbid_another_deployment(world: World) -> None:
    """A quota for what is there already; it holds once the quota controller has counted."""
    metadata = {"name": "small", "namespace": KEY.namespace}
    spec = {"hard": {"count/deployments.apps": "1"}}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec}
    await world.client.apply(QUOTA, quota)
    async with asyncio.timeout(PATIENCE_S):
        while not (await world.client.get(QUOTA, KEY.namespace, "small")).get("status", {}).get("used"):
            await asyncio.sleep(0.05)


@pytest.fixture
def second(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Operator]:
    made = Operator(control_plane, tmp_path / "second", identity="operator-1")
    made.start()
    yield made
    made.kill()


def test_without_kuberay_the_condition_says_so_and_the_build_begins_once_it_is_installed(
    control_plane: ControlPlane, operator: Operator
) -> None:
    async def story() -> None:
        async with playing(control_plane) as world:
            definition = await world.client.get(CRD, "", "rayjobs.ray.io")
            await world.client.delete(CRD, "", "rayjobs.ray.io")
            try:
                await world.put(KEY, digits())
                await world.until(lambda: says(world, ConditionType.DATA_READY, Reason.NOT_INSTALLED))
                told = condition(world, ConditionType.READY)
                assert told is not None
                assert "KubeRay is not installed on this cluster: install it" in told.message
            finally:
                await install(world, definition)
            await world.until(serves(world, KEY, 1))

    asyncio.run(story())


def without_rules(node: Any) -> Any:
    """A schema as it was before there were rules in it."""
    if isinstance(node, list):
        return [without_rules(one) for one in node]
    if isinstance(node, dict):
        return {name: without_rules(one) for name, one in node.items() if name != "x-kubernetes-validations"}
    return node


async def install(world: World, definition: Object) -> None:
    head = {"apiVersion": CRD.api_version, "kind": CRD.name, "metadata": {"name": definition["metadata"]["name"]}}
    await world.client.apply(CRD, {**head, "spec": definition["spec"]})


async def taken(world: World, document: Object) -> None:
    """Apply a LeptonModel until the API server goes by the newest definition, and takes it."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await world.client.apply(LEPTON_MODEL, document, manager="user")
            except ApiError as error:
                assert error.status == 422
                await asyncio.sleep(0.05)
            else:
                return


def test_a_spec_from_before_its_rule_is_told_in_the_status(control_plane: ControlPlane, operator: Operator) -> None:
    async def story() -> None:
        async with playing(control_plane) as world:
            wrong = digits().model_dump(mode="json", by_alias=True, exclude_defaults=True)
            wrong["data"]["image"] = {"mean": [0.5]}
            metadata = {"name": KEY.name, "namespace": KEY.namespace}
            document = {"apiVersion": LEPTON_MODEL.api_version, "kind": LEPTON_MODEL.name, "metadata": metadata}
            definition = await world.client.get(CRD, "", "leptonmodels.leptonml.dev")
            await install(world, without_rules(definition))
            try:
                await taken(world, {**document, "spec": wrong})
            finally:
                await install(world, definition)
            await world.until(lambda: "status" in (world.cache.model(KEY) or {}))
            (told,) = world.object(LEPTON_MODEL, KEY, KEY.name)["status"]["conditions"]
            what = "spec.data.image: mean and std must be given together or both left out"
            assert (told["type"], told["status"], told["reason"]) == ("Ready", "False", "InvalidSpec")
            assert told["message"] == f"{what}: mend it and apply the file again"
            await world.put(KEY, digits())
            await world.until(serves(world, KEY, 1))

    asyncio.run(story())


def test_a_run_that_somebody_deletes_is_begun_again_from_where_it_stood(
    control_plane: ControlPlane, operator: Operator
) -> None:
    async def story() -> None:
        async with World(control_plane.kubeconfig) as world:
            try:
                await world.put(KEY, digits())
                await world.until(lambda: bool(world.cache.owned(KEY, RAY_JOB)))
                ((name, run),) = world.cache.owned(KEY, RAY_JOB).items()
                (build,) = world.cache.owned(KEY, CONFIG_MAP)
                await world.report(KEY, build, progress=Progress(stage="train", message="epoch 1 of 2"))
                await world.client.delete(RAY_JOB, KEY.namespace, name)
                await world.until(lambda: uid(world, name) not in (None, run["metadata"]["uid"]))
                assert status(world, KEY).revisions[0].outcome == "Building"
            finally:
                await world.clean()

    def uid(world: World, name: str) -> str | None:
        run = world.cache.get(RAY_JOB, KEY.namespace, name)
        return None if run is None else str(run["metadata"]["uid"])

    asyncio.run(story())


def test_a_quota_is_told_with_what_to_do_and_what_served_before_still_serves(
    control_plane: ControlPlane, operator: Operator
) -> None:
    async def story() -> None:
        async with playing(control_plane) as world:
            await world.put(KEY, digits())
            await world.until(serves(world, KEY, 1))
            await forbid_another_deployment(world)
            try:
                await world.put(KEY, digits(train={"epochs": 2}))
                await world.until(lambda: says(world, ConditionType.GATE_PASSED, Reason.QUOTA_EXCEEDED))
                serving = condition(world, ConditionType.SERVING)
                assert serving is not None
                assert serving.status == "True"
            finally:
                await world.client.delete(QUOTA, KEY.namespace, "small")
            await world.until(serves(world, KEY, 2))

    asyncio.run(story())


def test_an_api_server_that_dies_and_comes_back_changes_nothing(
    control_plane: ControlPlane, operator: Operator
) -> None:
    async def story() -> int:
        async with playing(control_plane) as world:
            await world.put(KEY, digits())
            await world.until(lambda: bool(world.cache.owned(KEY, RAY_JOB)))
            control_plane.kill_api_server()
            await asyncio.to_thread(control_plane.start_api_server)
            await world.put(KEY, digits(train={"epochs": 2}))
            await world.until(serves(world, KEY, 2))
            return len((await world.client.list(RAY_JOB, KEY.namespace))[0])

    assert asyncio.run(story()) <= 2


def test_of_two_operators_one_works_and_the_other_takes_over_when_it_dies(
    control_plane: ControlPlane, operator: Operator, second: Operator
) -> None:
    async def story() -> None:
        async with playing(control_plane) as world:
            await world.put(KEY, digits())
            await world.until(serves(world, KEY, 1))
            operator.kill()
            await world.put(KEY, digits(train={"epochs": 2}))
            await world.until(serves(world, KEY, 2))
            assert len(world.cache.owned(KEY, RAY_JOB)) == 2
            assert any(world.cache.owned(KEY, kind) for kind in OF_A_MODEL)

    asyncio.run(story())
