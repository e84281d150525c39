"""A job on a cluster reports into its ConfigMap, and its service account may do nothing else."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.jobs import REPORT, report_of
from lepton.backends.kubernetes.kinds import CONFIG_MAP, LEPTON_MODEL
from lepton.backends.kubernetes.render.job import account
from lepton.jobdir import JobOrder
from lepton.plan.types import Key
from lepton.report import Failure, JobReport
from lepton.spec.reasons import Reason
from tests.cluster.control_plane import ControlPlane
from tests.cluster.world import World, token
from tests.contract.harness import digits

KEY = Key("default", "digits")
END = {"http": "http://127.0.0.1:9", "grpc": "127.0.0.1:9", "model": "digits"}


def order(name: str) -> JobOrder:
    """A proof of an artifact that is not there."""
    meters = {"candidate": "http://127.0.0.1:9", "baseline": "http://127.0.0.1:9"}
    arguments = {"artifact": "/nowhere", "gate": {}, "candidate": END, "baseline": END, "meters": meters}
    return JobOrder(name=name, kind="gate", model="digits", revision=1, attempt=2, arguments=arguments)


def run(plane: ControlPlane, mine: JobOrder, folder: Path) -> int:
    """Run the job as its pod does, with the token of its account."""
    kubeconfig, file = folder / "kubeconfig", folder / "order.json"
    plane.write_kubeconfig(kubeconfig, asyncio.run(token(plane.kubeconfig, KEY.namespace, mine.name)))
    file.write_text(mine.model_dump_json())
    command = [sys.executable, "-m", "services.worker.cluster", str(file), KEY.namespace]
    return subprocess.run(command, env={**os.environ, "KUBECONFIG": str(kubeconfig)}, check=False).returncode


@asynccontextmanager
async def limited(kubeconfig: Path) -> AsyncIterator[Client]:
    """A client with no more rights than the kubeconfig gives."""
    await config.load_kube_config(str(kubeconfig))
    async with ApiClient() as api:
        yield Client(api)


async def ordered(world: World, *orders: JobOrder) -> None:
    await world.put(KEY, digits())
    uid = world.object(LEPTON_MODEL, KEY, KEY.name)["metadata"]["uid"]
    for one in orders:
        for kind, object_ in account(KEY, uid, one):
            await world.client.apply(kind, object_)


def test_a_job_tells_how_it_ended_in_the_one_object_that_it_may_change(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    mine, others = order("digits-gate-00000001"), order("digits-gate-00000002")

    async def story() -> JobReport | None:
        async with World(control_plane.kubeconfig) as world:
            try:
                await ordered(world, mine, others)
                assert await asyncio.to_thread(run, control_plane, mine, tmp_path) == 1
                return report_of(await world.client.get(CONFIG_MAP, KEY.namespace, mine.name), mine)
            finally:
                await world.clean()

    report = asyncio.run(story())
    assert report is not None
    what = "artifact /nowhere: its digest file is missing"
    message = f"{what}; restore it from a backup, or delete the model and apply it again"
    assert report.failure == Failure(reason=Reason.ARTIFACT_CORRUPT, message=message, stage="gate")
    assert report.finished_at is not None


def test_a_job_can_neither_read_nor_change_another_jobs_report(control_plane: ControlPlane, tmp_path: Path) -> None:
    mine, others = order("digits-gate-00000001"), order("digits-gate-00000002")

    async def refused(kubeconfig: Path) -> list[int]:
        codes = []
        async with World(control_plane.kubeconfig) as world:
            try:
                await ordered(world, mine, others)
                text = await token(control_plane.kubeconfig, KEY.namespace, mine.name)
                control_plane.write_kubeconfig(kubeconfig, text)
                async with limited(kubeconfig) as client:
                    for request in (
                        client.merge(CONFIG_MAP, KEY.namespace, others.name, {"data": {REPORT: "{}"}}),
                        client.get(CONFIG_MAP, KEY.namespace, others.name),
                        client.list(CONFIG_MAP, KEY.namespace),
                        client.delete(CONFIG_MAP, KEY.namespace, mine.name),
                    ):
                        with pytest.raises(ApiError) as error:
                            await request
                        codes.append(error.value.status)
            finally:
                await world.clean()
        return codes

    assert asyncio.run(refused(tmp_path / "kubeconfig")) == [403] * 4
