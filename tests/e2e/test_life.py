"""The life of digits.yaml on a whole cluster, in the order in which it is lived: each chapter needs those before it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lepton.endpoint import Connection
from lepton.train.data.sources.digits import Digits
from tests.e2e.caller import Caller, answers, labels
from tests.e2e.commands import lepton, on_the_claim
from tests.e2e.model import LEFT, LM, PATIENCE_S, Model
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
    assert told(caller) == ""


def test_a_rollback_is_one_field(model: Model, caller: Caller) -> None:
    model.edit(revision=1)
    model.until(model.serves(1), "revision 1 serves again")
    assert told(caller) == ""


def test_what_is_suspended_starts_nothing_until_it_is_resumed(model: Model, caller: Caller) -> None:
    model.edit(suspend=True, revision=None, train={"epochs": 2, "seed": 3, "optimizer": None})
    model.until(lambda: model.condition("Ready")[1] == "Suspended", "the model is suspended", 30)
    runs = {run["metadata"]["name"] for run in model.objects("rayjobs")}
    model.edit(suspend=False, gate={"minAccuracy": 50, "maxAccuracyDrop": 30})
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


def test_when_it_is_deleted_nothing_is_left(model: Model, caller: Caller) -> None:
    caller.stop()
    model.kube.run("delete", LM, "digits", "--timeout=120s")
    model.until(lambda: model.objects(LEFT) == [], "all is gone", 120)
    assert "digits" not in on_the_claim(model.kube, "find /lepton")


def told(caller: Caller) -> str:
    """What went wrong with the caller's requests until now."""
    return "\n".join(caller.errors)
