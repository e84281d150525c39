"""A control plane without Lepton, for the chart: it has the CRDs of KubeRay and of prometheus-operator alone."""

import asyncio
from collections.abc import Iterator

import pytest
import yaml
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.client import Client
from tests.chart.helm import HOME
from tests.chart.release import Release
from tests.cluster.conftest import CRD, KUBERAY, NAMESPACES
from tests.cluster.control_plane import ControlPlane
from tests.programs.programs import module

_PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.93.0"
_MONITORING = "example/prometheus-operator-crd/monitoring.coreos.com_"
_DEFINITIONS = [
    (KUBERAY, "config/crd/bases/ray.io_rayjobs.yaml"),
    (_PROMETHEUS_OPERATOR, f"{_MONITORING}podmonitors.yaml"),
    (_PROMETHEUS_OPERATOR, f"{_MONITORING}prometheusrules.yaml"),
]


@pytest.fixture(scope="session")
def empty_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("empty-plane")) as plane:
        asyncio.run(_install(plane))
        yield plane


async def _install(plane: ControlPlane) -> None:
    await config.load_kube_config(str(plane.kubeconfig))
    async with ApiClient() as api:
        client = Client(api)
        for source, path in _DEFINITIONS:
            await client.apply(CRD, yaml.safe_load((module("kuberay", source) / path).read_text()))
        for name in (HOME, "team-a", "team-b"):
            await client.apply(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


@pytest.fixture
def release(empty_plane: ControlPlane) -> Iterator[Release]:
    """The release `lepton`, to be installed; nothing of it is left afterwards."""
    made = Release(empty_plane)
    yield made
    made.clean()
