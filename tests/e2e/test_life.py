"""The life of digits.yaml on a whole cluster, in the order in which it is lived: each chapter needs those before it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lepton.backends.kubernetes.health import is_ready
from lepton.backends.kubernetes.render.meta import CONTAINER, POD
from lepton.endpoint import Connection
from lepton.spec.status import EndpointAddress
from lepton.train.data.sources.digits import Digits
from tests.e2e.caller import Caller, labels
from tests.e2e.conftest import helm
from tests.installation import wait_until
from tests.node.kube import Kube
from tests.programs.programs import ROOT

pytestmark = pytest.mark.timeout(900)
SAMPLE = ROOT / "manifests" / "samples" / "digits.yaml"
LM = "leptonmodels.leptonml.dev"
PATIENCE_S = 420.0


def edit(kube: Kube, **spec: Any) -> None:
    kube.run("patch", LM, "digits", "--type=merge", "--patch", json.dumps({"spec": spec}))


def status(kube: Kube) -> dict[str, Any]:
    model = kube.find(LM, "digits")
    return {} if model is None else model.get("status", {})


def condition(kube: Kube, kind: str) -> tuple[str, str, str]:
    found = next((one for one in status(kube).get("conditions", ()) if one["type"] == kind), {})
    return found.get("status", ""), found.get("reason", ""), found.get("message", "")


def serves(kube: Kube, revision: int) -> Callable[[], bool]:
    def holds() -> bool:
        model = kube.find(LM, "digits") or {}
        now = model.get("status", {})
        is_current = now.get("observedGeneration") == model.get("metadata", {}).get("generation")
        return is_current and now.get("phase") == "Serving" and now["serving"]["revision"] == revision

    return holds


@pytest.fixture(scope="module")
def address(kube: Kube) -> EndpointAddress:
    """From the YAML to an endpoint; the first chapter."""
    kube.run("apply", "--filename", str(SAMPLE))
    kube.run("wait", f"{LM}/digits", "--for=condition=Ready", f"--timeout={PATIENCE_S:.0f}s")
    return EndpointAddress.model_validate(status(kube)["endpoint"])


@pytest.fixture(scope="module")
def caller(address: EndpointAddress) -> Iterator[Caller]:
    """Somebody who asks from the first answer to the last."""
    with Caller(address) as asking:
        yield asking


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_it_answers_through_the_gateway_as_well_as_the_gate_asks(address: EndpointAddress, protocol: Any) -> None:
    digits = Digits()
    images = np.stack(list(digits.read(range(200))))
    with Connection(address, protocol) as connection:
        said = [label for batch in np.split(images, 10) for label in labels(connection, batch)]
    right = sum(one == label for one, label in zip(said, digits.labels, strict=False))
    assert right / len(said) >= 0.95


def test_the_table_says_what_was_made(kube: Kube, address: EndpointAddress) -> None:
    head, row = kube.run("get", "lm", "digits").splitlines()
    said = dict(zip(head.split(), row.split(), strict=True))
    assert (said["PHASE"], said["READY"], said["REVISION"], said["URL"]) == ("Serving", "True", "1", address.http)
    assert float(said["ACCURACY"]) >= 95


def test_an_edited_spec_is_served_in_its_turn(kube: Kube, caller: Caller) -> None:
    edit(kube, train={"epochs": 20, "seed": 1})
    wait_until(serves(kube, 2), "revision 2 serves", PATIENCE_S, every=1)
    assert "\n".join(caller.errors) == ""


def test_a_candidate_that_fails_the_gate_never_gets_a_request(kube: Kube, caller: Caller) -> None:
    edit(kube, train={"epochs": 1, "seed": 2, "optimizer": {"learningRate": 0.00001}})
    wait_until(lambda: condition(kube, "GatePassed")[1] == "BudgetNotMet", "the gate refuses", PATIENCE_S, every=1)
    assert "minAccuracy" in condition(kube, "Ready")[2]
    assert status(kube)["serving"]["revision"] == 2
    assert "\n".join(caller.errors) == ""


def test_a_rollback_is_one_field(kube: Kube, caller: Caller) -> None:
    edit(kube, revision=1)
    wait_until(serves(kube, 1), "revision 1 serves again", PATIENCE_S, every=1)
    assert "\n".join(caller.errors) == ""


def test_what_is_suspended_starts_nothing_until_it_is_resumed(kube: Kube, caller: Caller) -> None:
    edit(kube, suspend=True, revision=None, train={"epochs": 2, "seed": 3, "optimizer": None})
    wait_until(lambda: condition(kube, "Ready")[1] == "Suspended", "the model is suspended", 30, every=0.5)
    assert kube.list("rayjobs", selector="leptonml.dev/model=digits,leptonml.dev/revision=4") == []
    edit(kube, suspend=False, gate={"minAccuracy": 50, "maxAccuracyDrop": 30})
    wait_until(serves(kube, 4), "revision 4 serves", PATIENCE_S, every=1)
    assert "\n".join(caller.errors) == ""
    assert min(caller.answers.values()) > 100


def test_servers_and_their_engine_are_changed_by_one_field_each(kube: Kube, caller: Caller) -> None:
    edit(kube, deploy={"engine": "triton", "replicas": 2})
    wait_until(lambda: servers(kube) == ["digits-served"] * 2, "two servers of our own serve", PATIENCE_S, every=1)
    wait_until(serves(kube, 4), "revision 4 still serves", PATIENCE_S, every=1)
    wait_until(lambda: kube.list("inferenceservices") == [], "nothing is left of KServe's", PATIENCE_S, every=1)
    assert "\n".join(caller.errors) == ""


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["get"], "digits"),
        (["describe", "digits"], "revision 4"),
        (["plan", "-f", str(SAMPLE)], "nothing was changed"),
        (["doctor"], "KubeRay"),
    ],
)
def test_the_command_works_on_it(kube: Kube, address: EndpointAddress, command: list[str], said: str) -> None:
    assert said in lepton(kube, *command)


def test_the_command_asks_it_through_the_api_server(kube: Kube, address: EndpointAddress, tmp_path: Path) -> None:
    picture = tmp_path / "zero.png"
    (pixels,) = Digits().read([0])
    Image.fromarray(pixels[:, :, 0]).save(picture)
    assert "0" in lepton(kube, "predict", "digits", str(picture))


def test_when_it_is_deleted_nothing_is_left(kube: Kube, caller: Caller) -> None:
    caller.stop()
    kube.run("delete", LM, "digits", "--timeout=120s")
    kinds = "pods,services,configmaps,serviceaccounts,roles,rolebindings,deployments,jobs,rayjobs,rayclusters"
    more = "poddisruptionbudgets,inferenceservices,httproutes,grpcroutes"
    wait_until(lambda: kube.list(f"{kinds},{more}", selector="leptonml.dev/model=digits") == [], "all is gone", 120)
    assert "digits" not in on_the_claim(kube)


def servers(kube: Kube) -> list[str]:
    """The workloads of the servers that are ready, without their digests."""
    pods = kube.list("pods", selector="leptonml.dev/workload")
    ready = [pod for pod in pods if is_ready(pod)]
    return ["-".join(pod["metadata"]["labels"]["leptonml.dev/workload"].split("-")[:2]) for pod in ready]


def lepton(kube: Kube, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("lepton")), "--context", kube.context, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def on_the_claim(kube: Kube) -> str:
    """Every path on the volume of artifacts and checkpoints, as a pod sees it."""
    image = helm("get", "values", "lepton", "--output", "json")
    worker = json.loads(image)["images"]["worker"]
    volume = {"name": "lepton", "persistentVolumeClaim": {"claimName": "lepton"}}
    container = {
        "name": "look",
        "image": f"{worker['repository']}:{worker['tag']}",
        "command": ["find", "/lepton"],
        "securityContext": CONTAINER,
        "volumeMounts": [{"name": "lepton", "mountPath": "/lepton"}],
    }
    spec = {"restartPolicy": "Never", "containers": [container], "volumes": [volume], "securityContext": POD}
    kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "look", "namespace": "default"}, "spec": spec})
    kube.run("wait", "pod/look", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    said = kube.run("logs", "look")
    kube.run("delete", "pod", "look")
    return said
