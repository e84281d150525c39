"""The kubernetes backend keeps the contract, on a real API server."""

from collections.abc import Iterator

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.harness import KubernetesHarness
from tests.contract.suite import BackendContract


@pytest.fixture
def harness(control_plane: ControlPlane) -> Iterator[KubernetesHarness]:
    with KubernetesHarness(control_plane.kubeconfig) as made:
        yield made


class TestKubernetesBackend(BackendContract):
    """See the suite."""


class TestKubernetesBackendWithKServe(BackendContract):
    """The same, where KServe makes the servers."""

    @pytest.fixture
    def harness(self, furnished: ControlPlane) -> Iterator[KubernetesHarness]:
        with KubernetesHarness(furnished.kubeconfig) as made:
            yield made
