"""A build in a queue of the real Kueue: it waits for its quota, makes room when it must, and what it made serves.

The chapters are in the order in which they are lived: each needs those before it.
"""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.model import LM, Model
from tests.e2e.prometheus import Prometheus, queries
from tests.node.kube import Kube, Object

pytestmark = pytest.mark.timeout(900)
GROUP = "kueue.x-k8s.io/v1beta2"
QUEUE = "small"
SPEC = {
    "task": "image-classification",
    "data": {"uri": "sklearn://digits"},
    "train": {"epochs": 200, "queue": QUEUE},
    "compress": {"steps": []},
    "gate": {"minAccuracy": 50},
}
TOLD = (
    f"waits for quota in queue {QUEUE}: `kubectl describe localqueue {QUEUE} --namespace default` tells what is short"
)
RAY = '{job="lepton-ray", model="queued"}'


@pytest.fixture(scope="module")
def model(kube: Kube) -> Iterator[Model]:
    """One whose build needs a core, in a queue that has half of one."""
    metadata = {"name": QUEUE}
    kube.apply(
        {"apiVersion": GROUP, "kind": "ResourceFlavor", "metadata": metadata},
        {"apiVersion": GROUP, "kind": "ClusterQueue", "metadata": metadata, "spec": quota("500m")},
        {
            "apiVersion": GROUP,
            "kind": "LocalQueue",
            "metadata": {"name": QUEUE, "namespace": "default"},
            "spec": {"clusterQueue": QUEUE},
        },
    )
    queued = {"apiVersion": "leptonml.dev/v1alpha1", "kind": "LeptonModel", "metadata": {"name": "queued"}}
    kube.apply({**queued, "spec": SPEC})
    yield Model(kube, "queued")
    kube.run("delete", LM, "queued", "--timeout=120s")
    kube.run("delete", f"localqueue/{QUEUE}", f"clusterqueue/{QUEUE}", f"resourceflavor/{QUEUE}")


def quota(cpu: str) -> Object:
    resources = [{"name": "cpu", "nominalQuota": cpu}, {"name": "memory", "nominalQuota": "8Gi"}]
    flavors = [{"name": QUEUE, "resources": resources}]
    return {
        "namespaceSelector": {},
        "stopPolicy": "None",
        "resourceGroups": [{"coveredResources": ["cpu", "memory"], "flavors": flavors}],
    }


def let(kube: Kube, **spec: object) -> None:
    """Change the queue."""
    kube.run("patch", "clusterqueue", QUEUE, "--type=merge", "--patch", json.dumps({"spec": spec}))


def suspended(model: Model) -> list[bool]:
    return [bool(run["spec"].get("suspend")) for run in model.objects("rayjobs")]


def test_a_build_waits_for_its_quota_and_says_so(model: Model) -> None:
    model.until(lambda: model.condition("Ready")[1] == "Queued", "the condition says it", 60)
    assert model.condition("Ready") == ("False", "Queued", f"DataReady: {TOLD}")
    assert suspended(model) == [True]
    assert model.objects("pods") == []


def test_it_trains_once_there_is_quota(model: Model) -> None:
    let(model.kube, resourceGroups=quota("2")["resourceGroups"])
    model.until(lambda: model.epoch(1) > 1, "it trains")
    assert suspended(model) == [False]


@pytest.mark.parametrize("query", [f"up{RAY} == 1", f'count({{__name__=~"ray_.+", {RAY[1:]}) > 0'])
def test_prometheus_reads_what_ray_tells_meanwhile(model: Model, query: str) -> None:
    prometheus = Prometheus(model.kube)
    model.until(lambda: prometheus.series(query) != [], query, 60)


def test_it_makes_room_for_others(model: Model) -> None:
    let(model.kube, stopPolicy="HoldAndDrain")
    model.until(lambda: model.condition("Trained") == ("False", "Queued", TOLD), "the condition says it", 60)
    model.until(lambda: model.objects("pods") == [], "its pods make room", 60)


@pytest.mark.parametrize(("panel", "query"), queries("training", "queued"))
def test_the_dashboard_shows_how_far_its_training_is(model: Model, panel: str, query: str) -> None:
    prometheus = Prometheus(model.kube)
    model.until(lambda: prometheus.series(query) != [], f"{panel}: {query}", 60)


def test_it_goes_on_where_it_was(model: Model) -> None:
    before = model.epoch(1)
    let(model.kube, stopPolicy="None")
    model.until(lambda: model.epoch(1) not in (0, before), "it trains again")
    assert model.epoch(1) > before
    model.until(model.serves(1), "what it made serves")
    assert suspended(model) == [False]
