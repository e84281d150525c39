"""Pods die, or can't start: the condition says it, what served still serves, and it goes on once that is mended."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lepton.backends.kubernetes.kinds import DEPLOYMENT, POD, RAY_JOB, Object
from lepton.backends.kubernetes.names import JOB_LABEL, MODEL, WORKLOAD
from lepton.plan.types import Key
from lepton.report import Failure, Progress
from lepton.spec.reasons import ConditionType, Reason
from tests.cluster.control_plane import ControlPlane
from tests.cluster.faults.life import CHANGED, begun, ends_as_undisturbed, says, serving_all_the_while, until
from tests.cluster.operator import Operator, serves, status
from tests.cluster.world import RUNNING, Player, World
from tests.contract.harness import digits

STAGES = (None, "data", "train", "compress", "package")
LOST = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "reason": "NodeNotReady"}]}


class Halting(Player):
    """A player that can stop playing, so that what it would let go well goes otherwise."""

    def __init__(self, plane: ControlPlane) -> None:
        super().__init__(plane.kubeconfig)
        self._halted = False

    async def play_once(self, key: Key) -> None:
        if not self._halted:
            await super().play_once(key)

    def halt(self) -> None:
        self._halted = True

    def go_on(self, key: Key) -> None:
        self._halted = False
        self._due.add(key)


@asynccontextmanager
async def halting(plane: ControlPlane, key: Key) -> AsyncIterator[Halting]:
    """One whose model serves its first revision."""
    player = Halting(plane)
    async with player.world as world:
        task = asyncio.create_task(player.play())
        try:
            await world.put(key, digits())
            await until(serves(world, key, 1))
            yield player
            await ends_as_undisturbed(world, key)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await world.clean()


async def new_build(player: Halting, key: Key) -> tuple[str, str]:
    """Halt, change the spec, and give the names of the build and of its RayJob."""
    player.halt()
    world = player.world
    known = set(world.cache.owned(key, RAY_JOB))
    await world.put(key, CHANGED)
    await until(lambda: bool(set(world.cache.owned(key, RAY_JOB)) - known))
    (name,) = set(world.cache.owned(key, RAY_JOB)) - known
    return world.object(RAY_JOB, key, name)["metadata"]["labels"][JOB_LABEL], name


async def report_a_stage(world: World, key: Key, build: str, chance: random.Random) -> None:
    """The build has come as far as is drawn, or has not said a word."""
    stage = chance.choice(STAGES)
    if stage is not None:
        await world.report(key, build, progress=Progress(stage=stage, fraction=chance.random()))


def test_a_build_whose_pods_die_is_tried_again_one_run_at_a_time(
    control_plane: ControlPlane, operator: Operator, key: Key, chance: random.Random
) -> None:
    deaths = chance.randint(1, 3)

    async def story() -> None:
        async with halting(control_plane, key) as player, serving_all_the_while(player.world, key):
            world = player.world
            build, _ = await new_build(player, key)
            for attempt in range(deaths):
                await report_a_stage(world, key, build, chance)
                await world.fail_run(key, build)
                again = f"{build}-{attempt + 1}"
                await until(lambda again=again: again in world.cache.owned(key, RAY_JOB))
                await until(lambda: sum(one.startswith(build) for one in world.cache.owned(key, RAY_JOB)) == 1)
            player.go_on(key)

    asyncio.run(story())
    assert set(begun(control_plane, key).values()) == {1}
    assert len(begun(control_plane, key)) == 2 + deaths


def test_a_full_volume_is_told_and_the_build_tried_again(
    control_plane: ControlPlane, operator: Operator, key: Key, chance: random.Random
) -> None:
    async def story() -> None:
        async with halting(control_plane, key) as player, serving_all_the_while(player.world, key):
            world = player.world
            build, _ = await new_build(player, key)
            stage = chance.choice(STAGES[1:])
            full = Failure(reason=Reason.DISK_FULL, message="the disk is full: free some of it", stage=stage)
            await world.report(key, build, failure=full, finished_at=time.time())
            await until(lambda: any(says(world, key, kind, Reason.DISK_FULL) for kind in ConditionType))
            await until(lambda: f"{build}-1" in world.cache.owned(key, RAY_JOB))
            player.go_on(key)

    asyncio.run(story())
    assert set(begun(control_plane, key).values()) == {1}


CANT_START = {
    Reason.REFERENCE_NOT_FOUND: {"reason": "CreateContainerConfigError", "message": 'secret "pets-s3" not found'},
    Reason.IMAGE_NOT_PULLED: {"reason": "ImagePullBackOff", "message": "not there"},
}


def container_waiting(pod: Object, waiting: Object) -> Object:
    """What the kubelet says of a pod whose first container can't start."""
    container = pod["spec"]["containers"][0]
    about = {"name": container["name"], "image": container["image"], "imageID": "", "ready": False}
    return {
        "phase": "Pending",
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [{**about, "restartCount": 0, "state": {"waiting": waiting}}],
    }


@pytest.mark.parametrize("reason", CANT_START)
def test_a_head_that_cant_start_says_why_and_the_build_goes_on_once_it_can(
    control_plane: ControlPlane, operator: Operator, key: Key, chance: random.Random, reason: Reason
) -> None:
    async def story() -> None:
        async with halting(control_plane, key) as player, serving_all_the_while(player.world, key):
            world = player.world
            build, name = await new_build(player, key)
            run = await world.client.get(RAY_JOB, key.namespace, name)
            template = run["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]
            labels = {**template["metadata"]["labels"], MODEL: key.name, JOB_LABEL: build}
            metadata = {"name": f"{build}-head", "namespace": key.namespace, "labels": labels}
            head = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
            pod = await world.client.apply(POD, head, manager="kuberay")
            await world.set_pod(pod, container_waiting(pod, CANT_START[reason]))
            await until(lambda: says(world, key, ConditionType.READY, reason))
            player.go_on(key)
            await until(serves(world, key, 2))
            await world.client.delete(POD, key.namespace, f"{build}-head")

    asyncio.run(story())
    assert set(begun(control_plane, key).values()) == {1}
    assert len(begun(control_plane, key)) == 2


def servers(world: World, key: Key) -> list[Object]:
    return [pod for pod in world.cache.owned(key, POD).values() if WORKLOAD in pod["metadata"]["labels"]]


@pytest.mark.parametrize("how", ["killed", "its node is not ready"])
def test_a_server_that_is_lost_is_told_until_another_answers(
    control_plane: ControlPlane, operator: Operator, key: Key, chance: random.Random, how: str
) -> None:
    async def story() -> None:
        async with halting(control_plane, key) as player:
            world = player.world
            await world.put(key, CHANGED)
            await until(serves(world, key, 2))
            await until(lambda: len(world.cache.owned(key, DEPLOYMENT)) == 1)
            player.halt()
            await asyncio.sleep(chance.uniform(0, 0.5))
            for pod in servers(world, key):
                if how == "killed":
                    await world.client.delete(POD, key.namespace, pod["metadata"]["name"])
                else:
                    await world.set_pod(pod, LOST)
            await until(lambda: not is_true(world, key, ConditionType.SERVING))
            assert not is_true(world, key, ConditionType.READY)
            if how != "killed":
                for pod in servers(world, key):
                    await world.set_pod(pod, RUNNING)
            player.go_on(key)
            await until(lambda: is_true(world, key, ConditionType.READY))

    asyncio.run(story())
    assert len(begun(control_plane, key)) == 2


def is_true(world: World, key: Key, kind: ConditionType) -> bool:
    return any(one.type is kind and one.status == "True" for one in status(world, key).conditions)
