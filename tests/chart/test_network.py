"""Who may talk to whom: every connection that Lepton needs is let through, and no other."""

import json
from collections.abc import Iterable, Iterator

import pytest
import yaml

from lepton.backends.kubernetes.names import JOB_LABEL, MODEL, RAY, WORKLOAD
from tests.chart.helm import HOME, Object, one, render
from tests.chart.network import Flow, Place, let_through
from tests.chart.test_objects import GOLDEN

TEAM = "team-a"
_SAMPLE = list(yaml.safe_load_all((GOLDEN / "digits.yaml").read_text()))


def templates(value: object) -> Iterator[Object]:
    """Every pod template in an object."""
    if isinstance(value, dict):
        if "containers" in value.get("spec", ()):
            yield value
        for below in value.values():
            yield from templates(below)
    elif isinstance(value, list):
        for below in value:
            yield from templates(below)


def labels(kind: str, label: str) -> dict[str, str]:
    """Those of the pods that objects of this kind have in the sample, and for which the policies look."""
    found = [pod["metadata"]["labels"] for it in _SAMPLE if it["kind"] == kind for pod in templates(it)]
    assert all(MODEL in each for each in found)
    return next(each for each in found if label in each)


def ports() -> dict[str, int]:
    """Where servers listen, by the names of their ports."""
    (pod, *_) = (pod for it in _SAMPLE if it["kind"] == "Deployment" for pod in templates(it))
    return {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}


HTTP_PORT, GRPC_PORT, METRICS_PORT, STATE_PORT = (ports()[name] for name in ("http", "grpc", "metrics", "state"))
OPERATOR = Place("operator", HOME, next(templates(one(render(), "Deployment")))["metadata"]["labels"])
HEAD = Place("head", TEAM, {**labels("RayJob", JOB_LABEL), "ray.io/node-type": "head"})
WORKER = Place("worker", TEAM, {**labels("RayJob", JOB_LABEL), "ray.io/node-type": "worker"})
GATE = Place("gate", TEAM, labels("Job", JOB_LABEL))
SERVER = Place("server", TEAM, labels("Deployment", WORKLOAD))
RAY_HEAD = Place("head that serves", TEAM, labels("RayService", RAY))
RAY_SERVER = Place("server of Ray", TEAM, labels("RayService", WORKLOAD))
ELSEWHERE = Place("server elsewhere", "team-b", labels("Deployment", WORKLOAD))
KUBERAY = Place("kuberay", "ray-system", {"app.kubernetes.io/name": "kuberay-operator"})
PROMETHEUS = Place("prometheus", "monitoring", {"app.kubernetes.io/name": "prometheus"})
GATEWAY = Place("gateway", "gateways", {"app.kubernetes.io/name": "traefik"})
NEIGHBOUR = Place("neighbour", TEAM, {"app": "shop"})
STRANGER = Place("stranger", "shop", {"app": "shop"})
API_SERVER, BUCKET, DNS = Place("API server"), Place("bucket"), Place("DNS")
SERVERS, RAYS = (SERVER, RAY_SERVER), (RAY_HEAD, RAY_SERVER)

NEEDED = [
    *((OPERATOR, API_SERVER, port) for port in (443, 6443)),
    *((job, API_SERVER, port) for job in (HEAD, WORKER, GATE) for port in (443, 6443)),
    *((one, BUCKET, 443) for one in (HEAD, WORKER, GATE, SERVER, RAY_SERVER)),
    *((one, DNS, 53) for one in (OPERATOR, HEAD, WORKER, GATE, SERVER, RAY_HEAD, RAY_SERVER)),
    (KUBERAY, HEAD, 8265),
    *((KUBERAY, RAY_HEAD, port) for port in (8265, HTTP_PORT)),
    *(
        (a, b, port)
        for a, b in (
            *((HEAD, WORKER), (WORKER, HEAD), (WORKER, WORKER)),
            *((RAY_HEAD, RAY_SERVER), (RAY_SERVER, RAY_HEAD), (RAY_SERVER, RAY_SERVER)),
        )
        for port in (6379, 8265, 10002, 31007)
    ),
    *((GATE, one, port) for one in SERVERS for port in (HTTP_PORT, GRPC_PORT, STATE_PORT)),
    *((GATEWAY, one, port) for one in SERVERS for port in (HTTP_PORT, GRPC_PORT)),
    *((PROMETHEUS, one, port) for one in SERVERS for port in (METRICS_PORT, STATE_PORT)),
    (PROMETHEUS, OPERATOR, 8080),
    *((PROMETHEUS, one, 8080) for one in (HEAD, *RAYS)),
]
"""From, to, and on which port, in the life of a model."""
NAMED = {
    "callers": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}}],
    "monitoring": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
}
JOBS = (HEAD, WORKER, GATE)
OURS = (OPERATOR, *JOBS, *SERVERS, RAY_HEAD)
OUTSIDE = (ELSEWHERE, KUBERAY, PROMETHEUS, GATEWAY, NEIGHBOUR, STRANGER, API_SERVER, BUCKET, DNS)
PORTS = (22, 53, 80, 443, 5432, 6379, 6443, HTTP_PORT, GRPC_PORT, METRICS_PORT, STATE_PORT, 8080, 8265, 10002, 31007)
BESIDE = [
    *((a, b, port) for a in JOBS for b in JOBS for port in PORTS),
    *((a, b, port) for a in RAYS for b in RAYS for port in PORTS),
    *((KUBERAY, RAY_SERVER, port) for port in (8265, HTTP_PORT)),
    *((job, one, port) for job in (HEAD, WORKER) for one in SERVERS for port in (HTTP_PORT, GRPC_PORT, STATE_PORT)),
    *((PROMETHEUS, job, 8080) for job in JOBS),
    *((KUBERAY, job, 8265) for job in JOBS),
    *((one, there, port) for one in (OPERATOR, *JOBS) for there in OUTSIDE for port in (53, 443, 6443)),
    *((one, there, port) for one in SERVERS for there in OUTSIDE for port in (53, 443)),
    *((RAY_HEAD, there, 53) for there in OUTSIDE),
]
"""What is let through too: a policy knows jobs and servers but not which belong together, and buckets, DNS and the API
server may be anywhere, on their ports."""


def policies(**values: object) -> list[Object]:
    chosen = [f"--set-json=networkPolicies.{name}={json.dumps(value)}" for name, value in values.items()]
    objects = render("--set", f"models.namespaces={{{TEAM}}}", *chosen)
    return [it for it in objects if it["kind"] == "NetworkPolicy"]


def named(flows: Iterable[Flow]) -> set[tuple[str, str, int]]:
    return {(a.name, b.name, port) for a, b, port in flows}


@pytest.mark.parametrize("values", [{}, NAMED], ids=["defaults", "with callers and monitoring named"])
def test_what_lepton_needs_is_let_through(values: dict[str, object]) -> None:
    made = policies(**values)
    assert let_through(made, NEEDED) == NEEDED
    assert let_through(made, [(OPERATOR, DNS, 53)], "UDP") == [(OPERATOR, DNS, 53)]


def test_nothing_else_is_let_through_where_callers_and_monitoring_are_named() -> None:
    pairs = [(a, b) for a in (*OURS, *OUTSIDE) for b in (*OURS, *OUTSIDE) if a in OURS or b in OURS]
    passing = let_through(policies(**NAMED), [(a, b, port) for a, b in pairs for port in PORTS])
    assert named(passing) == named((*NEEDED, *BESIDE))


def test_by_default_anybody_may_ask_models_and_scrape_and_do_nothing_more() -> None:
    passing = let_through(policies(), [(STRANGER, b, port) for b in OURS for port in PORTS])
    asked = [(STRANGER, one, port) for one in SERVERS for port in (HTTP_PORT, GRPC_PORT, METRICS_PORT, STATE_PORT)]
    assert named(passing) == named([*asked, *((STRANGER, b, 8080) for b in (OPERATOR, *JOBS, *RAYS))])
