"""A control plane for the session, with the CRDs of Lepton and of KubeRay and the rights of the operator."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import ROLE, ROLE_BINDING, SERVICE_ACCOUNT, Kind, Object
from tests.cluster.control_plane import ControlPlane
from tests.cluster.operator import NAMESPACE, Operator
from tests.cluster.parts import define, definitions, gateway_api, kserve, kuberay

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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write the manifests down anew")


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane:
        asyncio.run(install(plane))
        yield plane


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One that also has KServe and the Gateway API."""
    with ControlPlane(tmp_path_factory.mktemp("furnished")) as plane:
        asyncio.run(install(plane, kserve() + gateway_api()))
        yield plane


@pytest.fixture
def operator(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Operator]:
    made = Operator(control_plane, tmp_path / "operator")
    made.start()
    yield made
    made.kill()


async def install(plane: ControlPlane, more: Sequence[Object] = ()) -> None:
    """Apply the CRDs, wait until the API server serves them, and give the operator its rights."""
    await config.load_kube_config(str(plane.kubeconfig))
    async with ApiClient() as api:
        client = Client(api)
        await define(client, [*definitions(ROOT / "manifests" / "crds"), *kuberay(), *more])
        await client.apply(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for right in definitions(ROOT / "manifests" / "rbac"):
            await client.apply(RIGHTS[right["kind"]], right)
