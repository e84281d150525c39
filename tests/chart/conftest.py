"""A control plane without Lepton, for the chart: it has the CRDs of KubeRay and of prometheus-operator alone."""

import asyncio
from collections.abc import Iterator

import pytest
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.client import Client
from tests.chart.helm import HOME
from tests.chart.release import Release
from tests.cluster.conftest import NAMESPACES
from tests.cluster.control_plane import ControlPlane
from tests.cluster.parts import define, definitions, kuberay
from tests.programs.programs import module


@pytest.fixture(scope="session")
def empty_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("empty-plane")) as plane:
        asyncio.run(_install(plane))
        yield plane


async def _install(plane: ControlPlane) -> None:
    await config.load_kube_config(str(plane.kubeconfig))
    async with ApiClient() as api:
        client = Client(api)
        monitoring = module("prometheus-operator") / "example" / "prometheus-operator-crd"
        await define(client, [*kuberay(), *definitions(monitoring, "*_podmonitors.yaml")])
        await define(client, definitions(monitoring, "*_prometheusrules.yaml"))
        for name in (HOME, "team-a", "team-b"):
            await client.apply(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


@pytest.fixture
def release(empty_plane: ControlPlane) -> Iterator[Release]:
    """The release `lepton`, to be installed; nothing of it is left afterwards."""
    made = Release(empty_plane)
    yield made
    made.clean()
