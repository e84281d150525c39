"""Of what Lepton makes and writes, all fields are one field manager's, and nobody else's name stands there."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from lepton.backends.kubernetes.events import EVENT
from lepton.backends.kubernetes.kinds import (
    CONFIG_MAP,
    LEPTON_MODEL,
    OF_A_MODEL,
    ROLE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
    Kind,
    Object,
)
from lepton.backends.kubernetes.names import MODEL
from lepton.backends.kubernetes.workloads import is_ours
from lepton.plan.types import Key
from tests.cluster.control_plane import ControlPlane
from tests.cluster.harness import WITH_GATEWAY
from tests.cluster.operator import Operator, serves
from tests.cluster.player import playing
from tests.cluster.world import WORKER, World
from tests.contract.harness import digits

KEY = Key("default", "owned")
JOBS_OWN = (SERVICE_ACCOUNT, ROLE, ROLE_BINDING)
Writers = set[tuple[str, str]]
"""Field managers, each with how it writes."""


@pytest.fixture
def operator(furnished: ControlPlane, tmp_path: Path) -> Iterator[Operator]:
    with Operator(furnished, tmp_path / "operator", settings=WITH_GATEWAY) as made:
        yield made


def writers(object_: Object) -> Writers:
    """Of all but its status, which is its controller's."""
    fields = object_["metadata"]["managedFields"]
    return {(one["manager"], one["operation"]) for one in fields if "subresource" not in one}


async def made_of(world: World) -> dict[Kind, list[Object]]:
    """All that Lepton made of the model, which not all of its label is."""
    kinds = [*filter(world.cache.serves, OF_A_MODEL), *JOBS_OWN]
    found = {kind: (await world.client.list(kind, KEY.namespace, f"{MODEL}={KEY.name}"))[0] for kind in kinds}
    return {kind: ours for kind, objects in found.items() if (ours := [one for one in objects if is_ours(one)])}


def test_all_that_lepton_makes_and_writes_is_its_own_by_one_name(furnished: ControlPlane, operator: Operator) -> None:
    async def life() -> tuple[dict[Kind, list[Writers]], Writers, Writers]:
        async with playing(furnished) as world:
            await world.put(KEY, digits())
            await world.until(serves(world, KEY, 1))
            await asyncio.to_thread(operator.end)
            model = await world.client.get(LEPTON_MODEL, *KEY)
            events, _ = await world.client.list(EVENT, KEY.namespace)
            told = [writers(one) for one in events if one["regarding"]["name"] == KEY.name]
            made = {kind: [writers(one) for one in ours] for kind, ours in (await made_of(world)).items()}
            return made, writers(model), set[tuple[str, str]]().union(*told)

    made, of_the_model, of_events = asyncio.run(life())
    applied = {("lepton", "Apply")}
    orders, reported = made.pop(CONFIG_MAP), {*applied, (WORKER, "Update")}
    assert len(made) >= 10
    assert {kind.name: one for kind, all_of_it in made.items() for one in all_of_it if one != applied} == {}
    assert orders == [reported] * 2
    assert of_the_model == {("user", "Apply"), ("lepton", "Update")}
    assert of_events == {("lepton", "Update")}
