"""What the chart makes, judged by a real API server: taken as it is, and as confined as `restricted` asks."""

from pathlib import Path

import pytest
import yaml

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.kinds import POD, SERVICE_ACCOUNT, Object
from tests.chart.cluster import ask, try_out, until_there
from tests.chart.helm import PRESETS, one, render, values_of
from tests.cluster.conftest import NAMESPACES
from tests.cluster.control_plane import ControlPlane
from tests.manifests import pods

GOLDEN = Path(__file__).parents[1] / "cluster" / "golden"
RESTRICTED = "restricted"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_real_api_server_takes_every_object(preset: str, empty_plane: ControlPlane) -> None:
    async def refused(client: Client) -> list[str]:
        found = []
        for object_ in render(*values_of(preset)):
            try:
                await try_out(client, object_)
            except ApiError as error:
                found.append(f"{object_['kind']} {object_['metadata']['name']}: {error}")
        return found

    assert ask(empty_plane, refused) == []


def pods_of_models() -> list[Object]:
    """Of every kind of job and server, as the samples have them."""
    documents = [it for path in sorted(GOLDEN.glob("*.yaml")) for it in yaml.safe_load_all(path.read_text())]
    return [pod(spec) for document in documents for spec in pods(document)]


def pod(spec: Object) -> Object:
    """A pod, under an account that is there."""
    metadata = {"name": "pod", "namespace": RESTRICTED}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**spec, "serviceAccountName": "default"},
    }


def complaints(plane: ControlPlane, pods: list[Object]) -> list[str]:
    """What keeps pods out of a namespace that admits restricted ones alone."""

    async def judge(client: Client) -> list[str]:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        metadata = {"name": RESTRICTED, "labels": labels}
        await client.apply(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        await until_there(client, SERVICE_ACCOUNT.path(RESTRICTED, "default"))
        found = []
        for each in pods:
            try:
                await client._request("POST", POD.path(RESTRICTED), {"dryRun": "All"}, each)
            except ApiError as error:
                found.append(error.message)
        return found

    return ask(plane, judge)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_operators_pod_is_restricted(preset: str, empty_plane: ControlPlane) -> None:
    (spec,) = pods(one(render(*values_of(preset)), "Deployment"))
    assert complaints(empty_plane, [pod(spec)]) == []
    assert all(it["securityContext"]["readOnlyRootFilesystem"] for it in spec["containers"])


def test_the_pods_of_jobs_and_servers_are_restricted(empty_plane: ControlPlane) -> None:
    pods = pods_of_models()
    assert len(pods) >= 4 * len(list(GOLDEN.glob("*.yaml")))
    assert complaints(empty_plane, pods) == []
    for each in pods:
        containers = [*each["spec"].get("initContainers", ()), *each["spec"]["containers"]]
        assert all(it["securityContext"]["readOnlyRootFilesystem"] for it in containers)


def test_a_pod_that_may_more_is_kept_out(empty_plane: ControlPlane) -> None:
    (spec,) = pods(one(render(), "Deployment"))
    loose = pod(spec)
    del loose["spec"]["securityContext"]
    (complaint,) = complaints(empty_plane, [loose])
    assert "runAsNonRoot" in complaint
