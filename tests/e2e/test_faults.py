"""What a cluster does to a model that serves, and to one being built: the end is the same, and the status says why."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from lepton.backends.kubernetes.health import is_ready
from tests.e2e.caller import Caller, answers
from tests.e2e.commands import on_the_claim
from tests.e2e.conftest import release
from tests.e2e.model import LEFT, QUICK, Model
from tests.node.kube import Kube
from tests.node.node import NAME

pytestmark = pytest.mark.timeout(900)
SAVE_PICTURES = (
    "import numpy as np; from lepton.train.data.sources.digits import Digits; of = Digits(); "
    "np.savez('/lepton/pictures.npz', x=np.stack(list(of.read(range(len(of.labels))))), y=of.labels)"
)


@pytest.fixture(scope="module")
def model(kube: Kube) -> Iterator[Model]:
    """One that serves; what is done to it is undone at the end of each test."""
    made = Model(kube, "quick")
    made.apply(QUICK)
    made.until(made.serves(1), "it serves")
    made.until(lambda: answers(made.address()), "the Gateway routes by what it has accepted", 15)
    yield made
    made.delete("--timeout=120s", "--ignore-not-found")


@pytest.mark.own_node
def test_gpus_that_no_node_has_are_asked_for_in_a_sentence_until_one_has_them(kube: Kube) -> None:
    wanting = Model(kube, "wanting")
    wanting.apply({**QUICK, "train": {"resources": {"gpu": 2}}})
    wanting.until(lambda: wanting.condition("Ready")[1] == "Unschedulable", "the condition says it", 60)
    (head,) = heads(wanting)
    remedy = "ask for less (train.resources), add nodes, or wait until others end"
    assert wanting.condition("Ready")[2] == f"DataReady: pod {head} waits: no node has 2 nvidia.com/gpu free: {remedy}"
    with gpus_of_the_node(kube, "2"):
        kube.run("wait", f"pod/{head}", "--for=condition=PodScheduled", "--timeout=60s")
        wanting.until(lambda: wanting.condition("Ready")[1] != "Unschedulable", "the condition says so no more", 30)
    wanting.delete("--wait=false")


def test_a_server_that_is_killed_is_replaced_and_nothing_is_built_for_it(model: Model) -> None:
    (server,) = model.servers()
    model.kill(server["metadata"]["name"])
    model.until(lambda: model.condition("Ready")[0] != "True", "the condition says it", 30)
    model.until(model.serves(1), "it serves again", 120)
    assert [one["number"] for one in model.status()["revisions"]] == [1]


def test_a_head_that_is_killed_in_training_costs_no_answer_and_no_second_build(model: Model) -> None:
    with Caller(model.address()) as caller:
        model.edit(train={"epochs": 60, "seed": 1})
        model.until(lambda: model.condition("DataReady")[0] == "True" and heads(model) != [], "it trains")
        model.kill(heads(model)[0])
        model.until(model.serves(2), "revision 2 serves")
    assert caller.errors == []
    assert [one["number"] for one in model.status()["revisions"]] == [2, 1]
    assert model.runs(2) == ["0"]
    assert len({run["metadata"]["labels"]["leptonml.dev/job"] for run in model.objects("rayjobs")}) == 2


def test_what_hinders_a_build_is_named_each_in_its_turn_and_it_goes_on_once_the_last_is_gone(model: Model) -> None:
    with Caller(model.address()) as caller:
        on_the_claim(model.kube, f'python -c "{SAVE_PICTURES}" && cat /dev/zero > /lepton/filler; true')
        release("upgrade", "--set", "images.worker.tag=no-such-tag")
        data = {"uri": "pvc://lepton/pictures.npz", "credentialsFrom": {"secretRef": {"name": "not-yet"}}}
        model.edit(train={"epochs": 3, "seed": 2}, data=data)
        model.until(model.says("ImageNotPulled", "no-such-tag"), "the image is named")
        release("upgrade")
        model.until(model.says("ReferenceNotFound", "kubectl create secret generic not-yet"), "the Secret is named")
        model.kube.run("create", "secret", "generic", "not-yet")
        model.until(model.says("DiskFull", "free some space"), "the volume is named")
        assert model.status()["serving"]["revision"] == 2
        on_the_claim(model.kube, "rm /lepton/filler")
        model.until(model.serves(3), "revision 3 serves")
    assert caller.errors == []


@pytest.mark.own_node
def test_a_node_that_falls_silent_is_named_and_costs_no_second_build(model: Model) -> None:
    model.edit(train={"epochs": 60, "seed": 3})
    model.until(lambda: head_is_ready(model), "it trains")
    with silent_node(model.kube):
        model.until(lambda: model.condition("Serving")[1] == "NodeNotReady", "the condition says it", 60)
        model.until(model.says("NodeNotReady", f"`kubectl describe node {NAME}`"), "the node is named", 60)
    model.until(lambda: answers(model.address()), "what served serves again", 60)
    model.until(model.serves(4), "revision 4 serves")
    assert model.runs(4) == ["0"]


@pytest.mark.own_node
def test_a_deletion_says_that_it_waits_for_a_silent_node(model: Model) -> None:
    model.edit(train={"epochs": 60, "seed": 4})
    model.until(lambda: head_is_ready(model), "it trains")
    with silent_node(model.kube):
        model.delete("--wait=false")
        model.until(lambda: "can't be removed" in model.condition("Ready")[2], "the condition says it", 60)
        told = model.condition("Ready")
        assert told[:2] == ("False", "NodeNotReady")
        assert f"`kubectl describe node {NAME}`" in told[2]
        assert "leptonml.dev/keep-artifacts=true" in told[2]
    model.until(lambda: model.status() == {}, "the model is gone", 120)
    model.until(lambda: model.objects(LEFT) == [], "all is gone", 120)


def heads(model: Model) -> list[str]:
    return [pod["metadata"]["name"] for pod in model.pods_of_ray("head")]


def head_is_ready(model: Model) -> bool:
    return any(is_ready(pod) for pod in model.pods_of_ray("head"))


@contextmanager
def gpus_of_the_node(kube: Kube, number: str) -> Iterator[None]:
    """So many that nobody made, which the scheduler counts like any other until the end of the block."""

    def have(many: str | None) -> None:
        status = {kind: {"nvidia.com/gpu": many} for kind in ("capacity", "allocatable")}
        told = json.dumps({"status": status})
        kube.run("patch", "node", NAME, "--subresource=status", "--type=merge", "--patch", told)

    have(number)
    try:
        yield
    finally:
        have(None)


@contextmanager
def silent_node(kube: Kube) -> Iterator[None]:
    """The node of tests.node, without a word from its kubelet until the end of the block."""
    (kubelet,) = (process for process in psutil.process_iter() if process.name() == "kubelet")
    kubelet.suspend()
    try:
        kube.run("wait", f"node/{NAME}", "--for=condition=Ready=Unknown", "--timeout=60s")
        yield
    finally:
        kubelet.resume()
