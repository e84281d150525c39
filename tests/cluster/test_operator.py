"""The operator as a process on a real control plane: a model's whole life, and what a kill at any moment changes."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from lepton.backends.kubernetes.kinds import DEPLOYMENT, LEPTON_MODEL, OF_A_MODEL, RAY_JOB, SERVICE
from lepton.backends.kubernetes.names import MODEL, WORKLOAD, workload_name
from lepton.backends.kubernetes.observe import parse
from lepton.plan.types import Key
from lepton.spec.reasons import Phase
from lepton.spec.status import Status
from tests.cluster.control_plane import ControlPlane
from tests.cluster.harness import SETTINGS
from tests.cluster.world import Player, World
from tests.contract.harness import digits
from tests.installation import free_ports

KEY, PETS = Key("default", "digits"), Key("default", "pets")


class Operator:
    """One process of it."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        settings = folder / "settings.yaml"
        settings.write_text(yaml.safe_dump(SETTINGS.model_dump(by_alias=True)))
        (port,) = free_ports(1)
        self._log = folder / "operator.log"
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(plane.kubeconfig),
            "LEPTON_SETTINGS": str(settings),
            "LEPTON_NAMESPACE": "default",
            "LEPTON_LISTEN": f"127.0.0.1:{port}",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "operators.lepton_operator"]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=20)


@pytest.fixture
def operator(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Operator]:
    made = Operator(control_plane, tmp_path)
    made.start()
    yield made
    made.kill()


@asynccontextmanager
async def playing(plane: ControlPlane) -> AsyncIterator[World]:
    """A world in which everything goes well; nothing of it is left afterwards."""
    player = Player(plane.kubeconfig)
    async with player.world as world:
        task = asyncio.create_task(player.play())
        yield world
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await world.clean()


def status(world: World) -> Status:
    return parse(world.object(LEPTON_MODEL, KEY, KEY.name)).status


def serves(world: World, revision: int) -> Callable[[], bool]:
    def holds() -> bool:
        seen = status(world)
        return seen.phase is Phase.SERVING and seen.serving is not None and seen.serving.revision == revision

    return holds


def test_a_model_lives_from_its_first_apply_to_its_deletion(control_plane: ControlPlane, operator: Operator) -> None:
    async def life() -> None:
        async with playing(control_plane) as world:
            await world.put(KEY, digits())
            await world.until(serves(world, 1))
            await world.put(KEY, digits(train={"epochs": 2}))
            await world.until(serves(world, 2))
            second = status(world).serving
            assert second is not None
            service = world.object(SERVICE, KEY, "digits")
            assert service["spec"]["selector"] == {WORKLOAD: workload_name(KEY, "served", second.digest)}
            await world.put(KEY, digits(train={"epochs": 2}, revision=1))
            await world.until(serves(world, 1))
            await world.client.delete(LEPTON_MODEL, KEY.namespace, KEY.name)
            await world.until(lambda: world.cache.model(KEY) is None)
            await world.until(lambda: not any(world.cache.owned(KEY, kind) for kind in OF_A_MODEL))

    asyncio.run(life())
    assert operator.end() == 0


def test_an_operator_that_is_killed_at_random_moments_builds_nothing_twice(
    control_plane: ControlPlane, operator: Operator
) -> None:
    seed = random.SystemRandom().randrange(2**31)
    print(f"seed {seed}")  # noqa: T201 - for whoever wants to see it fail again
    chance = random.Random(seed)  # noqa: S311 - when to strike is no secret

    async def life() -> set[str]:
        runs: set[str] = set()
        async with playing(control_plane) as world:
            await world.put(KEY, digits())
            for _ in range(5):
                await asyncio.sleep(chance.uniform(0, 2.5))  # the moment is what is drawn, nothing waits for it
                operator.kill()
                operator.start()
            await world.until(serves(world, 1))
            runs |= {one["metadata"]["uid"] for one in (await world.client.list(RAY_JOB, None, MODEL))[0]}
            assert [one.outcome for one in status(world).revisions] == ["Passed"]
            await world.until(lambda: len(world.cache.owned(KEY, DEPLOYMENT)) == 1)
        return runs

    assert len(asyncio.run(life())) == 1


def test_a_restart_with_everything_settled_writes_nothing(control_plane: ControlPlane, operator: Operator) -> None:
    async def versions(world: World) -> dict[str, str]:
        found = {}
        for kind in (LEPTON_MODEL, *OF_A_MODEL):
            for one in (await world.client.list(kind, None, MODEL if kind != LEPTON_MODEL else ""))[0]:
                found[f"{kind.name} {one['metadata']['name']}"] = one["metadata"]["resourceVersion"]
        return found

    async def life() -> None:
        async with playing(control_plane) as world:
            await world.put(KEY, digits())
            await world.until(serves(world, 1))
            operator.end()
            before = await versions(world)
            operator.start()
            await world.put(PETS, digits())  # once this one serves, the other has been looked at
            await world.until(lambda: "serving" in world.object(LEPTON_MODEL, PETS, PETS.name).get("status", {}))
            after = await versions(world)
            assert {name: version for name, version in after.items() if name in before} == before

    asyncio.run(life())
