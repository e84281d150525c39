"""What each sample becomes on a cluster: as written down, taken by a real API server, and given back as it was.

`pytest tests/cluster/test_manifests.py --write-golden` writes the files anew: read the difference before you keep it.
"""

import asyncio
from pathlib import Path

import pytest
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.covers import covers
from lepton.backends.kubernetes.kinds import (
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    GRPC_ROUTE,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    RAY_SERVICE,
    SERVICE,
    Kind,
    Object,
)
from lepton.backends.kubernetes.names import workload_name
from lepton.backends.kubernetes.render import cleanup, disruption, job, kserve, rayserve, route, service, workload
from lepton.backends.kubernetes.settings import Gateway, Settings
from lepton.jobdir import JobOrder
from lepton.plan.types import Endpoint, Key, Traffic
from lepton.spec.document import dump
from lepton.spec.load import load
from lepton.spec.resource import LeptonModel
from tests.cluster.control_plane import ControlPlane
from tests.manifests import pods

ROOT = Path(__file__).parents[2]
SAMPLES = sorted(path for path in (ROOT / "manifests" / "samples").glob("*.yaml"))
GOLDEN = Path(__file__).parent / "golden"
SETTINGS = Settings(
    worker_image="leptonml/worker:1",
    server_image="leptonml/server:1",
    artifacts="s3://models",
    secret="models",  # noqa: S106 - the name of one
    pull_secrets=["registry"],
)
GATEWAY = Gateway(name="models", namespace="gateways", hostname="{model}.{namespace}.models.example.com")
UID = "00000000-0000-0000-0000-000000000000"
DIGEST = "sha256:" + "ab" * 32


def rendered(model: LeptonModel) -> list[tuple[Kind, Object]]:
    """Everything that a model can become, each once."""
    key = Key("default", model.metadata.name)
    artifact = f"s3://models/default/{key.name}/{key.name}-build-00000000"
    spec = model.spec.model_dump(mode="json", by_alias=True)
    common = {"model": key.name, "revision": 1, "attempt": 0}
    build = JobOrder(name=f"{key.name}-build-00000000", kind="build", arguments={"spec": spec}, **common)
    gate = JobOrder(name=f"{key.name}-gate-00000000", kind="gate", arguments={"artifact": artifact}, **common)
    name = f"{key.name}-baseline-00000000"
    baseline = Endpoint(name, key.name, 1, "baseline", artifact, DIGEST, 1, model.spec.deploy)
    traffic = Traffic(key.name, 1, artifact, DIGEST, 1, model.spec.deploy)
    served = workload_name(key, "served", DIGEST, "triton")
    by_kserve, by_kuberay = (workload_name(key, "served", DIGEST, engine) for engine in ("kserve", "rayserve"))
    proved = workload_name(key, "baseline", DIGEST, "triton")
    return [
        *job.account(key, UID, build),
        job.run(key, UID, build, SETTINGS),
        *job.account(key, UID, gate),
        job.run(key, UID, gate, SETTINGS),
        (JOB, cleanup.cleanup(key, UID, SETTINGS)),
        (JOB, cleanup.removal(key, UID, build.name, artifact, SETTINGS)),
        (SERVICE, service.of_endpoint(key, UID, name, proved)),
        (DEPLOYMENT, workload.deployment(key, UID, proved, baseline, SETTINGS)),
        (SERVICE, service.of_traffic(key, UID, served, served)),
        (DEPLOYMENT, workload.deployment(key, UID, served, traffic, SETTINGS)),
        (INFERENCE_SERVICE, kserve.inference_service(key, UID, by_kserve, traffic, SETTINGS)),
        (RAY_SERVICE, rayserve.ray_service(key, UID, by_kuberay, traffic, SETTINGS)),
        (DISRUPTION_BUDGET, disruption.budget(key, UID, served)),
        (DISRUPTION_BUDGET, disruption.budget(key, UID, by_kuberay, traffic.deploy.replicas)),
        (SERVICE, service.of_backend(key, UID, served)),
        (SERVICE, service.of_backend(key, UID, by_kserve)),
        (HTTP_ROUTE, route.http_route(key, UID, GATEWAY, {by_kserve: 1, served: 0})),
        (GRPC_ROUTE, route.grpc_route(key, UID, GATEWAY, {by_kserve: 1, served: 0})),
    ]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_becomes_what_is_written_down(sample: Path, request: pytest.FixtureRequest) -> None:
    (model,) = load(sample.read_text()).models
    text = "---\n".join(dump(object_) for _, object_ in rendered(model))
    golden = GOLDEN / sample.name
    if request.config.getoption("--write-golden", default=False):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_pod_is_pulled_with_the_secrets_of_the_settings(sample: Path) -> None:
    (model,) = load(sample.read_text()).models
    found = [pod.get("imagePullSecrets") for _, object_ in rendered(model) for pod in pods(object_)]
    assert found == [[{"name": "registry"}]] * (10 if model.spec.train.workers > 1 else 9)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_real_api_server_takes_each_object_and_gives_it_back_as_it_was(sample: Path, furnished: ControlPlane) -> None:
    (model,) = load(sample.read_text()).models
    assert asyncio.run(changed_by_the_server(furnished, rendered(model))) == []


async def changed_by_the_server(plane: ControlPlane, objects: list[tuple[Kind, Object]]) -> list[str]:
    """Those that would be written again on each pass, because they come back otherwise than they went."""
    await config.load_kube_config(str(plane.kubeconfig))
    async with ApiClient() as api:
        client, changed = Client(api), []
        for kind, object_ in objects:
            if not covers(await client.apply(kind, object_), object_):
                changed.append(f"{kind.name} {object_['metadata']['name']}")
        for kind, object_ in objects:
            await client.delete(kind, object_["metadata"]["namespace"], object_["metadata"]["name"])
    return changed
