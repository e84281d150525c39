"""The life of digits.yaml on a whole cluster, in the order in which it is lived: each chapter needs those before it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lepton.endpoint import Connection, Refused
from lepton.train.data.sources.digits import Digits
from tests.e2e.caller import Caller, answers, labels
from tests.e2e.commands import lepton, on_the_claim
from tests.e2e.model import LEFT, LM, PATIENCE_S, Model
from tests.e2e.prometheus import ALERTS, MAYBE_UNSEEN, RULES, Prometheus, queries
from tests.node.kube import Kube
from tests.programs.programs import ROOT

pytestmark = pytest.mark.timeout(900)
SAMPLE = ROOT / "manifests" / "samples" / "digits.yaml"


@pytest.fixture(scope="module")
def model(kube: Kube) -> Model:
    """From the YAML to an endpoint; the first chapter."""
    kube.run("apply", "--filename", str(SAMPLE))
    kube.run("wait", f"{LM}/digits", "--for=condition=Ready", f"--timeout={PATIENCE_S:.0f}s")
    made = Model(kube, "digits")
    made.until(lambda: answers(made.address()), "the Gateway routes by what it has accepted", 15)
    return made


@pytest.fixture(scope="module")
def caller(model: Model) -> Iterator[Caller]:
    """Somebody who asks from the first answer to the last."""
    with Caller(model.address()) as asking:
        yield asking


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_it_answers_through_the_gateway_as_well_as_the_gate_asks(model: Model, protocol: Any) -> None:
    digits = Digits()
    images = np.stack(list(digits.read(range(200))))
    with Connection(model.address(), protocol) as connection:
        said = [label for batch in np.split(images, 10) for label in labels(connection, batch)]
    right = sum(one == label for one, label in zip(said, digits.labels, strict=False))
    assert right / len(said) >= 0.95


def test_the_table_says_what_was_made(model: Model) -> None:
    head, row = model.kube.run("get", "lm", "digits").splitlines()
    said = dict(zip(head.split(), row.split(), strict=True))
    assert (said["PHASE"], said["READY"], said["REVISION"]) == ("Serving", "True", "1")
    assert said["URL"] == model.address().http
    assert float(said["ACCURACY"]) >= 95


def test_an_edited_spec_is_served_in_its_turn(model: Model, caller: Caller) -> None:
    model.edit(train={"epochs": 20, "seed": 1})
    model.until(model.serves(2), "revision 2 serves")
    assert told(caller) == ""


def test_a_candidate_that_fails_the_gate_never_gets_a_request(model: Model, caller: Caller) -> None:
    model.edit(train={"epochs": 1, "seed": 2, "optimizer": {"learningRate": 0.00001}})
    model.until(lambda: model.condition("GatePassed")[1] == "BudgetNotMet", "the gate refuses")
    assert "minAccuracy" in model.condition("Ready")[2]
    assert model.status()["serving"]["revision"] == 2
    trouble = 'lepton_model_trouble{model="digits", condition="GatePassed", reason="BudgetNotMet"}'
    model.until(lambda: Prometheus(model.kube).series(trouble) != [], "Prometheus hears of it", 60)
    assert told(caller) == ""


def test_a_rollback_is_one_field(model: Model, caller: Caller) -> None:
    model.edit(revision=1)
    model.until(model.serves(1), "revision 1 serves again")
    assert told(caller) == ""


def test_what_is_suspended_starts_nothing_until_it_is_resumed(model: Model, caller: Caller) -> None:
    model.edit(suspend=True, revision=None, train={"epochs": 2, "seed": 3, "optimizer": None})
    model.until(lambda: model.condition("Ready")[1] == "Suspended", "the model is suspended", 30)
    runs = {run["metadata"]["name"] for run in model.objects("rayjobs")}
    model.edit(suspend=False, gate={"minAccuracy": 50, "maxAccuracyDrop": 30, "maxP99Ms": 10_000})
    model.until(model.serves(4), "revision 4 serves")
    assert len({run["metadata"]["name"] for run in model.objects("rayjobs")} - runs) == 1
    assert told(caller) == ""
    assert min(caller.answers.values()) > 100


def test_servers_and_their_engine_are_changed_by_one_field_each(model: Model, caller: Caller) -> None:
    model.edit(deploy={"engine": "triton", "replicas": 2})
    model.until(lambda: len(model.servers()) == 2, "two servers serve")
    model.until(model.serves(4), "revision 4 still serves")
    model.until(lambda: model.objects("inferenceservices") == [], "nothing is left of KServe's")
    assert told(caller) == ""


def test_one_server_at_a_time_may_be_evicted_and_no_answer_is_missed(model: Model, caller: Caller) -> None:
    model.until(lambda: evictable(model) == [1], "the budget lets one of two go", 30)
    first, second = (server["metadata"]["name"] for server in model.servers())
    assert evict(model, first) == ""
    assert "TooManyRequests" in evict(model, second)
    model.until(lambda: model.kube.find("pod", first, model.namespace) is None, "the evicted server is gone", 60)
    model.until(lambda: len(model.servers()) == 2, "another has taken its place", 60)
    assert second in [server["metadata"]["name"] for server in model.servers()]
    assert told(caller) == ""


def test_ray_serve_takes_over_from_triton_and_answers_as_well(model: Model, caller: Caller) -> None:
    model.edit(deploy={"engine": "rayserve", "replicas": 1})
    model.until(lambda: model.objects("deployments") == [], "nothing is left of Triton's servers")
    model.until(model.serves(4), "revision 4 still serves")
    (server,) = model.servers()
    assert server["metadata"]["labels"]["ray.io/node-type"] == "worker"
    before = dict(caller.answers)
    model.until(lambda: all(caller.answers[one] > before[one] + 20 for one in before), "both protocols answer", 60)
    assert told(caller) == ""


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["get"], "digits"),
        (["describe", "digits"], "revision 4"),
        (["plan", "-f", str(SAMPLE)], "digits would change; in the end revision 1 serves, without a build"),
        (["doctor"], "KubeRay"),
    ],
)
def test_the_command_works_on_it(model: Model, command: list[str], said: str) -> None:
    assert said in lepton(model.kube, *command)


def test_the_command_asks_it_through_the_api_server(model: Model, tmp_path: Path) -> None:
    picture = tmp_path / "zero.png"
    (pixels,) = Digits().read([0])
    Image.fromarray(pixels[:, :, 0]).save(picture)
    assert "0" in lepton(model.kube, "predict", "digits", str(picture))


@pytest.fixture(scope="module")
def prometheus(model: Model, caller: Caller) -> Iterator[Prometheus]:
    """It has seen all of this life until here, and now sees what else can go wrong."""
    with a_model_that_nobody_may_report_of(model.kube), Connection(model.address(), "http") as connection:
        with pytest.raises(Refused):
            connection.ask({"image_bytes": np.array([[b"junk"]], np.object_)}, ["label"])
        yield Prometheus(model.kube)


@pytest.mark.parametrize(("panel", "query"), [*queries("fleet", "digits"), *queries("model", "digits")])
def test_every_panel_of_the_fleet_and_of_the_model_shows_something_of_this_life(
    prometheus: Prometheus, model: Model, panel: str, query: str
) -> None:
    model.until(lambda: prometheus.series(query) != [], f"{panel}: {query}", 60)


def test_every_recording_and_alert_of_the_chart_is_evaluated(prometheus: Prometheus) -> None:
    evaluated = prometheus.rules()
    assert {name: evaluated.get(name) for name in RULES} == dict.fromkeys(RULES, "ok")


@pytest.mark.parametrize("alert", ALERTS)
def test_whatever_an_alert_reads_has_been_there(prometheus: Prometheus, model: Model, alert: str) -> None:
    for read in prometheus.read_by(RULES[alert]) - MAYBE_UNSEEN:
        model.until(lambda read=read: prometheus.series(read) != [], f"{alert}: {read}", 60)


def test_when_it_is_deleted_nothing_is_left(model: Model, caller: Caller) -> None:
    caller.stop()
    model.kube.run("delete", LM, "digits", "--timeout=120s")
    model.until(lambda: model.objects(LEFT) == [], "all is gone", 120)
    assert "digits" not in on_the_claim(model.kube, "find /lepton")


@contextmanager
def a_model_that_nobody_may_report_of(kube: Kube) -> Iterator[None]:
    """Passes over it fail, because an administrator's policy refuses its status."""
    version, name = "admissionregistration.k8s.io/v1", "mute"
    writing = {"apiGroups": ["leptonml.dev"], "apiVersions": ["*"], "resources": [f"{LM.partition('.')[0]}/status"]}
    rules = {"resourceRules": [{**writing, "operations": ["UPDATE"]}]}
    spec = {"matchConstraints": rules, "validations": [{"expression": f"object.metadata.name != '{name}'"}]}
    policy = {"apiVersion": version, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec}
    binding = {"policyName": name, "validationActions": ["Deny"]}
    mute = {"apiVersion": "leptonml.dev/v1alpha1", "kind": "LeptonModel", "metadata": {"name": name}}
    made = Model(kube, name)
    kube.apply({**mute, "spec": {"task": "image-classification", "data": {"uri": "sklearn://digits"}, "suspend": True}})
    kube.apply(policy, {**policy, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding})
    try:
        report = ("--subresource=status", "--type=merge", "--patch", '{"status": {"phase": "Failed"}}')
        tried = ("patch", LM, name, *report, "--dry-run=server")
        made.until(lambda: kube.ask(*tried).returncode != 0, "the policy holds", 30)
        made.edit(revision=7)
        yield
    finally:
        kube.run("delete", LM, name, "--timeout=60s")
        kube.run("delete", f"validatingadmissionpolicy/{name}", f"validatingadmissionpolicybinding/{name}")


def evictable(model: Model) -> list[int]:
    """How many servers of each workload may be taken away now."""
    return [one.get("status", {}).get("disruptionsAllowed") for one in model.objects("poddisruptionbudgets")]


def evict(model: Model, pod: str) -> str:
    """Ask that a server go, as whoever drains its node does; what is said against it."""
    metadata = {"name": pod, "namespace": model.namespace}
    body = json.dumps({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata})
    path = f"/api/v1/namespaces/{model.namespace}/pods/{pod}/eviction"
    return model.kube.ask("create", "--raw", path, "--filename", "-", stdin=body).stderr


def told(caller: Caller) -> str:
    """What went wrong with the caller's requests until now."""
    return "\n".join(caller.errors)
