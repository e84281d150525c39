"""What a build becomes: who trains where, what it may read, and what another attempt goes on from."""

from typing import Any

import pytest

from lepton.backends.kubernetes.render.job import run
from lepton.backends.kubernetes.settings import Settings
from lepton.jobdir import JobOrder
from lepton.plan.types import Key
from lepton.urls import CLAIMS, CREDENTIALS
from tests.contract.harness import digits

KEY = Key("zoo", "pets")
SETTINGS = Settings(worker_image="worker", server_image="server", artifacts="s3://models", secret="store")  # noqa: S106 - the name of one
GPU = "nvidia.com/gpu"


def rendered(attempt: int = 0, settings: Settings = SETTINGS, **spec: Any) -> dict[str, Any]:
    arguments = {"spec": digits(**spec).model_dump(mode="json", by_alias=True), "work": "/lepton/work/zoo/pets"}
    order = JobOrder(name="pets-build-1", kind="build", model="pets", revision=1, attempt=attempt, arguments=arguments)
    return run(KEY, "uid", order, settings)[1]


def groups(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The head, and the workers where there are any."""
    cluster = job["spec"]["rayClusterSpec"]
    return [cluster["headGroupSpec"], *cluster.get("workerGroupSpecs", ())]


def pods(job: dict[str, Any]) -> list[dict[str, Any]]:
    return [group["template"]["spec"] for group in groups(job)]


def containers(job: dict[str, Any]) -> list[dict[str, Any]]:
    return [pod["containers"][0] for pod in pods(job)]


def test_one_worker_trains_on_the_head_which_has_its_gpu() -> None:
    (head,) = containers(rendered(train={"resources": {"gpu": 2, "cpu": 0.5, "memory": "8Gi"}}))
    wanted = {"cpu": "0.5", "memory": "8Gi", GPU: "2"}
    assert head["resources"] == {"requests": wanted, "limits": {**wanted, "cpu": "1"}}, "Ray starts too slowly on less"


def test_several_workers_have_a_gpu_each_and_the_head_has_none_and_trains_nothing() -> None:
    job = rendered(train={"workers": 3, "resources": {"gpu": 1}})
    head, workers = groups(job)
    assert [GPU in one["resources"]["limits"] for one in containers(job)] == [False, True]
    assert (head["rayStartParams"]["num-cpus"], workers["rayStartParams"]) == ("0", {})
    assert {workers[name] for name in ("replicas", "minReplicas", "maxReplicas")} == {3}


def test_all_pods_go_where_the_spec_says() -> None:
    toleration = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}
    placed = {"nodeSelector": {"pool": "gpu"}, "tolerations": [toleration]}
    found = pods(rendered(train={"workers": 2, **placed}))
    assert [{name: pod[name] for name in placed} for pod in found] == [placed, placed]
    assert [set(placed) & set(pod) for pod in pods(rendered())] == [set()]


def test_a_queue_is_a_label_and_suspend_is_left_to_kueue() -> None:
    job = rendered(train={"queue": "vision"})
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "vision"
    assert "suspend" not in job["spec"]
    assert "kueue.x-k8s.io/queue-name" not in rendered()["metadata"]["labels"]


def test_a_deadline_is_told_in_seconds() -> None:
    assert rendered(train={"deadlineMinutes": 90})["spec"]["activeDeadlineSeconds"] == 5400
    assert "activeDeadlineSeconds" not in rendered()["spec"]


@pytest.mark.parametrize("settings", [SETTINGS, SETTINGS.model_copy(update={"secret": ""})])
def test_the_head_alone_has_the_credentials_of_the_data_under_names_of_their_own(settings: Settings) -> None:
    data = {"uri": "s3://pets", "credentialsFrom": {"secretRef": {"name": "pets-s3"}}}
    head, workers = containers(rendered(settings=settings, data=data, train={"workers": 2}))
    stores = [{"secretRef": {"name": "store"}}] if settings.secret else []
    assert head["envFrom"] == [*stores, {"prefix": CREDENTIALS, "secretRef": {"name": "pets-s3"}}]
    assert workers.get("envFrom", []) == stores


def test_the_head_alone_reads_the_claim_of_the_data() -> None:
    head, workers = pods(rendered(data={"uri": "pvc://pets/train.zip"}, train={"workers": 2}))
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "pets", "readOnly": True}}
    mount = {"name": "data", "mountPath": str(CLAIMS / "pets"), "readOnly": True}
    assert volume in head["volumes"]
    assert mount in head["containers"][0]["volumeMounts"]
    assert "data" not in {one["name"] for one in workers["volumes"]}


@pytest.mark.parametrize(("cpu", "threads"), [(None, "1"), (0.25, "1"), (3.5, "3")])
def test_a_pod_computes_with_as_many_threads_as_it_may_use_cores(cpu: float | None, threads: str) -> None:
    for container in containers(rendered(train={"workers": 2, "resources": {"cpu": cpu}})):
        assert {"name": "OMP_NUM_THREADS", "value": threads} in container["env"]


def test_a_claim_that_holds_the_data_and_the_artifacts_is_one_volume() -> None:
    head, _ = pods(rendered(data={"uri": f"pvc://{SETTINGS.claim}/pets"}, train={"workers": 2}))
    claims = [one["persistentVolumeClaim"] for one in head["volumes"] if "persistentVolumeClaim" in one]
    assert claims == [{"claimName": SETTINGS.claim}]
    mount = {"name": "lepton", "mountPath": str(CLAIMS / SETTINGS.claim), "readOnly": True}
    assert mount in head["containers"][0]["volumeMounts"]


def test_another_attempt_is_a_run_of_its_own_on_the_same_claim() -> None:
    first, second = rendered(), rendered(attempt=1)
    assert (first["metadata"]["name"], second["metadata"]["name"]) == ("pets-build-1-0", "pets-build-1-1")
    assert first["spec"] == second["spec"]
    assert {"name": "lepton", "mountPath": "/lepton"} in containers(second)[0]["volumeMounts"]
    assert "backoffLimit" not in second["spec"]
