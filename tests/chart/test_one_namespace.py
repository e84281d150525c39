"""An operator that is installed for one namespace: Roles suffice for a model's whole life, and it asks for no more."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from lepton.backends.kubernetes.kinds import LEPTON_MODEL
from lepton.plan.types import Key
from tests.chart.cluster import ask
from tests.chart.helm import HOME, values_of
from tests.chart.release import Release
from tests.chart.test_life import definition
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import Operator, requests, serves
from tests.cluster.player import playing
from tests.contract.harness import digits

MINE, ANOTHERS = Key("team-a", "digits"), Key("team-b", "digits")


@pytest.fixture
def operator(empty_plane: ControlPlane, release: Release, tmp_path: Path) -> Iterator[Operator]:
    release.run("install", *values_of("namespaced"), "--set", "crd.install=true")
    ask(empty_plane, definition)
    made = Operator(empty_plane, tmp_path / "operator", watched=MINE.namespace)
    made.start()
    yield made
    made.kill()


def test_roles_suffice_in_one_namespace(empty_plane: ControlPlane, operator: Operator) -> None:
    async def life() -> None:
        async with playing(empty_plane) as world:
            await world.put(ANOTHERS, digits())
            await world.put(MINE, digits())
            await world.until(serves(world, MINE, 1))
            await world.client.delete(LEPTON_MODEL, MINE.namespace, MINE.name)
            await world.until(lambda: world.cache.model(MINE) is None)
            assert "status" not in world.object(LEPTON_MODEL, ANOTHERS, ANOTHERS.name)

    asyncio.run(life())
    assert {one["objectRef"].get("namespace") for one in requests(empty_plane)} == {MINE.namespace, HOME}
    assert operator.end() == 0
