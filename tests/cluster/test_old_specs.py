"""A spec that was taken before there was a rule against it: its status says so, and what to mend."""

import asyncio
from typing import Any

from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, Object
from lepton.plan.types import Key
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import Operator, serves
from tests.cluster.parts import CRD
from tests.cluster.player import playing
from tests.cluster.world import PATIENCE_S, World
from tests.contract.harness import digits

KEY = Key("default", "digits")


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
