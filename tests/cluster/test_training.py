"""Training on a cluster as the operator follows it. KubeRay, Kueue and the kubelet are played: it writes as they do."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lepton.backends.kubernetes.kinds import CONFIG_MAP, RAY_JOB, ROLE, ROLE_BINDING, SERVICE_ACCOUNT, Object
from lepton.backends.kubernetes.names import JOB_LABEL
from lepton.backends.kubernetes.render import storage
from lepton.plan.types import Key
from lepton.report import Progress
from lepton.spec.fields import timestamp
from lepton.spec.reasons import ConditionType, Phase, Reason
from tests.cluster.control_plane import ControlPlane
from tests.cluster.harness import SETTINGS
from tests.cluster.operator import Operator, status
from tests.cluster.player import summary_of
from tests.cluster.world import World
from tests.contract.harness import digits

KEY = Key("default", "digits")
RIGHTS = (ROLE_BINDING, ROLE, SERVICE_ACCOUNT)


def told(world: World, kind: ConditionType) -> tuple[str, Reason, str] | None:
    """Status, reason and sentence of a condition."""
    found = [one for one in status(world, KEY).conditions if one.type is kind]
    return (found[0].status, found[0].reason, found[0].message) if found else None


def because(world: World, kind: ConditionType, reason: Reason) -> Callable[[], bool]:
    return lambda: (told(world, kind) or ("", "", ""))[1] is reason


async def begun(world: World, **spec: Any) -> tuple[Object, str]:
    """Apply a model; its RayJob and the name of its build, once they are there."""
    known = set(world.cache.owned(KEY, RAY_JOB))
    await world.put(KEY, digits(**spec))
    await world.until(lambda: bool(set(world.cache.owned(KEY, RAY_JOB)) - known))
    (name,) = set(world.cache.owned(KEY, RAY_JOB)) - known
    run = world.object(RAY_JOB, KEY, name)
    return run, run["metadata"]["labels"][JOB_LABEL]


async def write(world: World, run: Object, **ended: object) -> None:
    """Write the status of a RayJob, as KubeRay does."""
    newest = await world.client.get(RAY_JOB, KEY.namespace, run["metadata"]["name"])
    await world.client.write_status(RAY_JOB, {**newest, "status": {**newest.get("status", {}), **ended}})


async def suspend(world: World, run: Object, suspended: bool) -> None:
    """Do as Kueue does, which owns that field."""
    await world.client.merge(RAY_JOB, KEY.namespace, run["metadata"]["name"], {"spec": {"suspend": suspended}})


def is_suspended(world: World, run: Object) -> bool:
    return bool(world.object(RAY_JOB, KEY, run["metadata"]["name"])["spec"].get("suspend"))


def test_a_build_waits_for_its_queue_and_trains_once_kueue_lets_it(
    control_plane: ControlPlane, operator: Operator
) -> None:
    async def story() -> None:
        async with World(control_plane.kubeconfig) as world:
            try:
                run, build = await begun(world, train={"queue": "vision"})
                live = await world.client.get(RAY_JOB, KEY.namespace, run["metadata"]["name"])
                ours = [one["fieldsV1"] for one in live["metadata"]["managedFields"] if one["manager"] == "lepton"]
                assert "f:suspend" not in json.dumps(ours)
                await suspend(world, run, True)
                await world.until(because(world, ConditionType.DATA_READY, Reason.QUEUED))
                where = "`kubectl describe localqueue vision --namespace default` tells what is short"
                assert told(world, ConditionType.READY) == (
                    "False",
                    Reason.QUEUED,
                    f"DataReady: waits for quota in queue vision: {where}",
                )
                assert is_suspended(world, run)
                await suspend(world, run, False)
                await world.report(KEY, build, progress=Progress(stage="train", message="epoch 1 of 2"))
                await world.until(because(world, ConditionType.TRAINED, Reason.IN_PROGRESS))
                await suspend(world, run, True)  # others come first
                await world.until(because(world, ConditionType.TRAINED, Reason.QUEUED))
                await suspend(world, run, False)
                await world.report(KEY, build, summary=summary_of(build), finished_at=time.time())
                await world.until(because(world, ConditionType.COMPRESSED, Reason.SUCCEEDED))
                assert not is_suspended(world, run)
                assert list(world.cache.owned(KEY, RAY_JOB)) == [run["metadata"]["name"]]
            finally:
                await world.clean()

    asyncio.run(story())


def test_a_build_past_its_deadline_has_failed_until_the_deadline_is_moved(
    control_plane: ControlPlane, operator: Operator
) -> None:
    async def story() -> None:
        async with World(control_plane.kubeconfig) as world:
            try:
                run, build = await begun(world, train={"deadlineMinutes": 30})
                await world.report(KEY, build, progress=Progress(stage="train", message="epoch 1 of 2"))
                ended = {
                    "jobDeploymentStatus": "Failed",
                    "reason": "DeadlineExceeded",
                    "endTime": timestamp(time.time()),
                }
                await write(world, run, **ended)
                await world.until(because(world, ConditionType.TRAINED, Reason.DEADLINE_EXCEEDED))
                problem = "the build took longer than the 30 minutes of train.deadlineMinutes"
                remedy = "raise it, or lower train.epochs or data.limit; what it had learnt is kept"
                assert told(world, ConditionType.TRAINED) == ("False", Reason.DEADLINE_EXCEEDED, f"{problem}: {remedy}")
                assert status(world, KEY).phase is Phase.FAILED
                again, _ = await begun(world, train={"deadlineMinutes": 60})
                assert again["spec"]["activeDeadlineSeconds"] == 3600
            finally:
                await world.clean()

    asyncio.run(story())


def test_a_run_that_dies_is_tried_again_on_the_work_that_it_left_with_all_rights_that_it_needs(
    control_plane: ControlPlane, operator: Operator
) -> None:
    """Without its rights it can't say a word, and so it dies."""

    async def story() -> None:
        async with World(control_plane.kubeconfig) as world:
            try:
                run, build = await begun(world)
                before = json.loads(world.object(CONFIG_MAP, KEY, build)["data"]["order.json"])
                for kind in RIGHTS:
                    await world.client.delete(kind, KEY.namespace, build)
                await world.fail_run(KEY, build)
                await world.until(lambda: f"{build}-1" in world.cache.owned(KEY, RAY_JOB))
                after = json.loads(world.object(CONFIG_MAP, KEY, build)["data"]["order.json"])
                assert after == {**before, "attempt": 1}
                assert after["arguments"]["work"] == storage.work(KEY)
                assert world.object(RAY_JOB, KEY, f"{build}-1")["spec"] == run["spec"]
                for kind in RIGHTS:
                    assert await world.client.find(kind, KEY.namespace, build) is not None
                await world.until(lambda: run["metadata"]["name"] not in world.cache.owned(KEY, RAY_JOB))
            finally:
                await world.clean()

    asyncio.run(story())


def test_a_run_that_has_not_begun_is_made_anew_when_the_operator_is_told_another_image(
    control_plane: ControlPlane, operator: Operator, tmp_path: Path
) -> None:
    mended = Operator(
        control_plane, tmp_path / "mended", settings=SETTINGS.model_copy(update={"worker_image": "mended"})
    )

    def images(run: Object) -> set[str]:
        return {
            one["image"] for one in run["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"]
        }

    async def life() -> None:
        async with World(control_plane.kubeconfig) as world:
            run, job = await begun(world)
            await asyncio.to_thread(operator.end)
            await asyncio.to_thread(mended.start)
            await world.until(lambda: uid(world, run) not in (None, run["metadata"]["uid"]))
            anew = await world.client.get(RAY_JOB, KEY.namespace, run["metadata"]["name"])
            assert images(anew) == {"mended"}
            await world.report(KEY, job, progress=Progress(stage="train", message="epoch 1 of 20"))
            await asyncio.to_thread(mended.end)
            await asyncio.to_thread(operator.start)
            await world.until(because(world, ConditionType.DATA_READY, Reason.SUCCEEDED))
            assert uid(world, run) == anew["metadata"]["uid"], "what has begun is left alone"
            await world.clean()

    def uid(world: World, run: Object) -> str | None:
        found = world.cache.get(RAY_JOB, KEY.namespace, run["metadata"]["name"])
        return None if found is None else str(found["metadata"]["uid"])

    try:
        asyncio.run(life())
    finally:
        mended.kill()
