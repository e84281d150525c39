"""Pods die, or can't start: the condition says it, what served still serves, and it goes on once that is mended."""

import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lepton.backends.kubernetes.kinds import POD, RAY_JOB, SERVICE, Object
from lepton.backends.kubernetes.names import JOB_LABEL, MODEL
from lepton.backends.kubernetes.workloads import selected_by
from lepton.plan.types import Key
from lepton.report import Failure, Progress
from lepton.spec.reasons import ConditionType, Reason
from tests.cluster.control_plane import ControlPlane
from tests.cluster.faults.life import (
    CHANGED,
    Victim,
    begun,
    ends_as_undisturbed,
    live,
    require_one_run_each,
    says,
    serve,
    serving_all_the_while,
)
from tests.cluster.operator import Operator, serves, status
from tests.cluster.player import Player
from tests.cluster.world import RUNNING, World

STAGES = (None, "data", "train", "compress", "package")
LOST = {
    "phase": "Running",
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "NodeNotReady"},
        {"type": "ContainersReady", "status": "True"},  # as the node itself last said
    ],
}


@asynccontextmanager
async def a_new_build(player: Player, key: Key) -> AsyncIterator[tuple[str, str]]:
    """Of a model that serves, with which nothing goes on: its name and its RayJob's. Then all goes well again."""
    world = player.world
    await serve(world, key)
    player.halt(key)
    (known,) = world.cache.owned(key, RAY_JOB)
    async with serving_all_the_while(world, key):
        await world.put(key, CHANGED)
        await world.until(lambda: len(world.cache.owned(key, RAY_JOB)) == 2, key)
        (name,) = set(world.cache.owned(key, RAY_JOB)) - {known}
        yield world.object(RAY_JOB, key, name)["metadata"]["labels"][JOB_LABEL], name
        await ends_as_undisturbed(world, key)


async def report_a_stage(world: World, key: Key, build: str, chance: random.Random) -> None:
    """The build has come as far as is drawn, or has not said a word."""
    stage = chance.choice(STAGES)
    if stage is not None:
        await world.report(key, build, progress=Progress(stage=stage, fraction=chance.random()))


def one_of_them_says(world: World, key: Key, reason: Reason) -> bool:
    """The condition of the stage at which it happened, whichever that was."""
    return any(says(world, key, kind, reason) for kind in ConditionType if kind is not ConditionType.READY)


def test_a_build_whose_pods_die_is_tried_again_one_run_at_a_time(
    control_plane: ControlPlane, operator: Operator, victims: list[Victim]
) -> None:
    deaths = {victim.key: victim.chance.randint(1, 3) for victim in victims}

    async def story(player: Player, victim: Victim) -> None:
        world, key = player.world, victim.key

        def only(run: str) -> bool:
            return [one for one in world.cache.owned(key, RAY_JOB) if one.startswith(build)] == [run]

        async with a_new_build(player, key) as (build, _):
            for attempt in range(deaths[key]):
                await report_a_stage(world, key, build, victim.chance)
                await world.fail_run(key, build)
                await world.until(lambda: one_of_them_says(world, key, Reason.JOB_FAILED), key)
                await world.until(lambda attempt=attempt: only(f"{build}-{attempt + 1}"), key)
            player.go_on(key)

    live(control_plane, operator, victims, story)
    for victim in victims:
        require_one_run_each(control_plane, [victim], 2 + deaths[victim.key])


def test_a_full_volume_is_told_and_the_build_tried_again(
    control_plane: ControlPlane, operator: Operator, victims: list[Victim]
) -> None:
    async def story(player: Player, victim: Victim) -> None:
        world, key = player.world, victim.key
        async with a_new_build(player, key) as (build, _):
            stage = victim.chance.choice(STAGES[1:])
            full = Failure(reason=Reason.DISK_FULL, message="the disk is full: free some of it", stage=stage)
            await world.report(key, build, failure=full, finished_at=time.time())
            await world.until(lambda: one_of_them_says(world, key, Reason.DISK_FULL), key)
            await world.until(lambda: f"{build}-1" in world.cache.owned(key, RAY_JOB), key)
            player.go_on(key)

    live(control_plane, operator, victims, story)
    require_one_run_each(control_plane, victims, 3)


def test_a_run_that_somebody_deletes_is_begun_again_from_where_it_stood(
    control_plane: ControlPlane, operator: Operator, victims: list[Victim]
) -> None:
    async def story(player: Player, victim: Victim) -> None:
        world, key = player.world, victim.key
        async with a_new_build(player, key) as (build, name):
            await report_a_stage(world, key, build, victim.chance)
            uid = world.object(RAY_JOB, key, name)["metadata"]["uid"]
            await world.client.delete(RAY_JOB, key.namespace, name)
            await world.until(lambda: uid_of(world, key, name) not in (None, uid), key)
            player.go_on(key)

    def uid_of(world: World, key: Key, name: str) -> str | None:
        run = world.cache.get(RAY_JOB, key.namespace, name)
        return None if run is None else str(run["metadata"]["uid"])

    live(control_plane, operator, victims, story)
    assert [sorted(begun(control_plane, victim.key).values()) for victim in victims] == [[1, 2]] * len(victims)


CANT_START = {
    Reason.REFERENCE_NOT_FOUND: {"reason": "CreateContainerConfigError", "message": 'secret "pets-s3" not found'},
    Reason.IMAGE_NOT_PULLED: {"reason": "ImagePullBackOff", "message": "not there"},
}
REMEDIES = {
    Reason.REFERENCE_NOT_FOUND: "`kubectl create secret generic pets-s3 --namespace default --from-env-file=FILE`",
    Reason.IMAGE_NOT_PULLED: "see that it can be pulled",
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
    control_plane: ControlPlane, operator: Operator, victims: list[Victim], reason: Reason
) -> None:
    async def story(player: Player, victim: Victim) -> None:
        world, key = player.world, victim.key
        async with a_new_build(player, key) as (build, name):
            run = await world.client.get(RAY_JOB, key.namespace, name)
            template = run["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]
            labels = {**template["metadata"]["labels"], MODEL: key.name, JOB_LABEL: build}
            metadata = {"name": f"{build}-head", "namespace": key.namespace, "labels": labels}
            head = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
            pod = await world.client.apply(POD, head, manager="kuberay")
            await world.set_pod(pod, container_waiting(pod, CANT_START[reason]))
            await world.until(lambda: says(world, key, ConditionType.READY, reason), key)
            (told,) = [one.message for one in status(world, key).conditions if one.type is ConditionType.READY]
            assert REMEDIES[reason] in told
            await victim.moment()
            player.go_on(key)
            await world.until(serves(world, key, 2), key)
            await world.client.delete(POD, key.namespace, f"{build}-head")

    live(control_plane, operator, victims, story)
    require_one_run_each(control_plane, victims, 2)


def servers(world: World, key: Key) -> list[Object]:
    """Those that users reach: the ones of the proof may not have gone yet."""
    return world.pods(key, selected_by(world.object(SERVICE, key, key.name)))


@pytest.mark.parametrize(
    ("how", "reason"), [("killed", Reason.IN_PROGRESS), ("its node is not ready", Reason.NODE_NOT_READY)]
)
def test_a_server_that_is_lost_is_told_until_another_answers(
    control_plane: ControlPlane, operator: Operator, victims: list[Victim], how: str, reason: Reason
) -> None:
    async def story(player: Player, victim: Victim) -> None:
        world, key = player.world, victim.key
        await serve(world, key)
        await victim.moment()
        player.halt(key)
        for pod in servers(world, key):
            if how == "killed":
                await world.client.delete(POD, key.namespace, pod["metadata"]["name"])
            else:
                await world.set_pod(pod, LOST)
        await world.until(lambda: says(world, key, ConditionType.SERVING, reason), key)
        assert says(world, key, ConditionType.READY, reason)
        if how != "killed":
            for pod in servers(world, key):
                await world.set_pod(pod, RUNNING)
        player.go_on(key)
        await world.until(serves(world, key, 1), key)
        assert [one.status for one in status(world, key).conditions if one.type is ConditionType.READY] == ["True"]

    live(control_plane, operator, victims, story)
    require_one_run_each(control_plane, victims, 1)
