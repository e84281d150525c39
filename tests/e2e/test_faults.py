"""What a cluster does to a model that serves, and to one being built: the end is the same, and the status says why."""

from collections.abc import Iterator

import pytest

from tests.e2e.caller import Caller, answers
from tests.e2e.conftest import release
from tests.e2e.model import QUICK, Model
from tests.node.kube import Kube

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def model(kube: Kube) -> Iterator[Model]:
    """One that serves; what is done to it is undone at the end of each test."""
    made = Model(kube, "quick")
    made.apply(QUICK)
    made.until(made.serves(1), "it serves")
    made.until(lambda: answers(made.address()), "the Gateway routes by what it has accepted", 15)
    yield made
    made.delete("--timeout=120s")


def test_a_server_that_is_killed_is_replaced_and_nothing_is_built_for_it(model: Model) -> None:
    (server,) = model.servers()
    model.kube.run("delete", "pod", server["metadata"]["name"], "--grace-period=0", "--force")
    model.until(lambda: model.condition("Ready")[0] != "True", "the condition says it", 30)
    model.until(model.serves(1), "it serves again", 120)
    assert [one["number"] for one in model.status()["revisions"]] == [1]


def test_a_head_that_is_killed_in_training_costs_no_answer_and_no_second_build(model: Model) -> None:
    with Caller(model.address()) as caller:
        model.edit(train={"epochs": 60, "seed": 1})
        model.until(lambda: model.condition("DataReady")[0] == "True" and heads(model) != [], "it trains")
        model.kube.run("delete", "pod", heads(model)[0], "--grace-period=0", "--force")
        model.until(model.serves(2), "revision 2 serves")
    assert caller.errors == []
    build = next(one for one in model.status()["revisions"] if one["number"] == 2)["name"]
    assert len(model.objects("rayjobs", f",leptonml.dev/job={build}")) == 1


def test_a_secret_that_is_missing_is_named_and_the_build_goes_on_once_it_is_there(model: Model) -> None:
    model.edit(train={"epochs": 3, "seed": 2}, data={"credentialsFrom": {"secretRef": {"name": "not-yet"}}})
    model.until(lambda: model.condition("Ready")[1] == "ReferenceNotFound", "the condition says it")
    assert "kubectl create secret generic not-yet" in model.condition("Ready")[2]
    assert model.status()["serving"]["revision"] == 2
    model.kube.run("create", "secret", "generic", "not-yet")
    model.until(model.serves(3), "revision 3 serves")


def test_an_image_that_cannot_be_pulled_is_named_and_what_serves_goes_on(model: Model) -> None:
    with Caller(model.address()) as caller:
        release("upgrade", "--set", "images.worker.tag=no-such-tag")
        model.edit(train={"epochs": 3, "seed": 3})
        model.until(lambda: model.condition("Ready")[1] == "ImageNotPulled", "the condition says it")
        assert "no-such-tag" in model.condition("Ready")[2]
        release("upgrade")
        model.until(model.serves(4), "revision 4 serves")
    assert caller.errors == []


def heads(model: Model) -> list[str]:
    return [pod["metadata"]["name"] for pod in model.objects("pods", ",ray.io/node-type=head")]
