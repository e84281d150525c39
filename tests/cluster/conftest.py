"""A control plane for the session, with the CRDs of Lepton and of KubeRay and the rights of the operator."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import ROLE, ROLE_BINDING, SERVICE_ACCOUNT, Kind
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import NAMESPACE, Operator
from tests.cluster.parts import KSERVE, define, installed
from tests.cluster.world import definitions
from tests.programs.programs import module

ROOT = Path(__file__).parents[2]
NAMESPACES = Kind("v1", "Namespace", "namespaces")
_RBAC = "rbac.authorization.k8s.io/v1"
RIGHTS = {
    "ServiceAccount": SERVICE_ACCOUNT,
    "ClusterRole": Kind(_RBAC, "ClusterRole", "clusterroles"),
    "ClusterRoleBinding": Kind(_RBAC, "ClusterRoleBinding", "clusterrolebindings"),
    "Role": ROLE,
    "RoleBinding": ROLE_BINDING,
}
KUBERAY = "github.com/ray-project/kuberay/ray-operator@v1.6.2"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write the manifests down anew")


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane:
        asyncio.run(install(plane))
        yield plane


@pytest.fixture(scope="class")
def kserve(control_plane: ControlPlane) -> Iterator[None]:
    with installed(control_plane, KSERVE):
        yield


@pytest.fixture
def operator(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Operator]:
    made = Operator(control_plane, tmp_path / "operator")
    made.start()
    yield made
    made.kill()


async def install(plane: ControlPlane) -> None:
    """Apply the CRDs, wait until the API server serves them, and give the operator its rights."""
    await config.load_kube_config(str(plane.kubeconfig))
    kuberay = module("kuberay", KUBERAY)
    async with ApiClient() as api:
        client = Client(api)
        await define(client, definitions(ROOT / "manifests" / "crds"))
        await define(client, definitions(kuberay / "config" / "crd" / "bases"))
        await client.apply(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for right in definitions(ROOT / "manifests" / "rbac"):
            await client.apply(RIGHTS[right["kind"]], right)
