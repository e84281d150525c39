"""What the real KubeRay makes of a RayService of ours, as far as it goes without a node."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lepton.backends.kubernetes.kinds import POD, RAY_SERVICE, Kind, Object
from lepton.backends.kubernetes.names import RAY, WORKLOAD
from lepton.backends.kubernetes.render.rayserve import ray_service
from lepton.plan.types import Key, Traffic
from lepton.spec.deploy import Deploy
from tests.cluster.control_plane import ControlPlane
from tests.cluster.test_manifests import DIGEST, SETTINGS
from tests.cluster.world import PATIENCE_S, World
from tests.programs.programs import find

KEY, NAME = Key("default", "pets"), "pets-served-abababab-rayserve"
_NO_PORTS = ("-metrics-addr=0", "-health-probe-bind-address=0")
RAY_CLUSTER = Kind("ray.io/v1", "RayCluster", "rayclusters")


@pytest.fixture
def kuberay(control_plane: ControlPlane, tmp_path: Path) -> Iterator[None]:
    """The operator, as a process."""
    environment = {**os.environ, "KUBECONFIG": str(control_plane.kubeconfig)}
    command = [find("kuberay"), "-enable-leader-election=false", "-use-kubernetes-proxy", *_NO_PORTS]
    with (tmp_path / "kuberay.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    yield
    process.terminate()
    process.wait(30)


def wanted(replicas: int) -> Object:
    """The RayService, of no model that is there."""
    traffic = Traffic("pets", 1, "s3://a", DIGEST, 1, Deploy(engine="rayserve", replicas=replicas))
    made = ray_service(KEY, "", NAME, traffic, SETTINGS)
    del made["metadata"]["ownerReferences"]
    return made


async def clusters(world: World) -> list[list[bool]]:
    """For each cluster of Ray, the smaller first: of each of its pods whether it is a server."""
    found = (await world.client.list(RAY_CLUSTER, KEY.namespace, f"ray.io/originated-from-cr-name={NAME}"))[0]
    made: dict[str, list[bool]] = {one["metadata"]["name"]: [] for one in found}
    for pod in (await world.client.list(POD, KEY.namespace, RAY))[0]:
        labels = pod["metadata"]["labels"]
        made.setdefault(labels["ray.io/cluster"], []).append(WORKLOAD in labels)
    return sorted(map(sorted, made.values()), key=len)


def test_another_number_of_servers_gets_a_cluster_of_its_own(control_plane: ControlPlane, kuberay: None) -> None:
    async def until(world: World, expected: list[list[bool]]) -> None:
        async with asyncio.timeout(2 * PATIENCE_S):
            while await clusters(world) != expected:
                await asyncio.sleep(0.2)

    async def story() -> None:
        async with World(control_plane.kubeconfig) as world:
            await world.client.apply(RAY_SERVICE, wanted(1))
            await until(world, [[False, True]])
            await world.client.apply(RAY_SERVICE, wanted(3))
            await until(world, [[False, True], [False, True, True, True]])
            await world.client.delete(RAY_SERVICE, KEY.namespace, NAME)
            await until(world, [])

    asyncio.run(story())
