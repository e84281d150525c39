"""The weights of a route: what it shall say next, given what it says and what the Gateway has taken."""

from typing import Any

import pytest
from pydantic import ValidationError

from lepton.backends.kubernetes.covers import covers
from lepton.backends.kubernetes.kinds import HTTP_ROUTE
from lepton.backends.kubernetes.render.route import http_route
from lepton.backends.kubernetes.routes import (
    answering,
    is_accepted,
    is_taken,
    next_weights,
    refusal,
    waits_for,
    weights,
)
from lepton.backends.kubernetes.settings import Gateway
from lepton.plan.types import Key

GATEWAY = Gateway(name="models", namespace="gateways", hostname="{model}.{namespace}.example.com")
OLD, NEW = "pets-served-11111111", "pets-served-22222222-kserve"


def route(shares: dict[str, int], seen: int | None, accepted: str = "True") -> dict[str, Any]:
    """A route of generation 5, of which the Gateway's controller has seen that generation."""
    made = http_route(Key("zoo", "pets"), "uid", GATEWAY, shares)
    made["metadata"]["generation"] = 5
    if seen is not None:
        conditions = [
            {"type": "Accepted", "status": accepted, "reason": "Told", "message": "why", "observedGeneration": seen},
            {"type": "ResolvedRefs", "status": "True", "observedGeneration": seen},
        ]
        another = {"parentRef": {"name": "another", "namespace": "gateways"}, "conditions": []}
        parent = {"parentRef": made["spec"]["parentRefs"][0], "conditions": conditions}
        made["status"] = {"parents": [another, parent]}
    return made


@pytest.mark.parametrize(
    ("what", "live", "selected", "shares"),
    [
        ("the first route has all of it", None, OLD, {OLD: 1}),
        ("what is as it should be stays", route({OLD: 1}, 5), OLD, {OLD: 1}),
        ("a switch keeps the old one at nothing", route({OLD: 1}, 5), NEW, {NEW: 1, OLD: 0}),
        ("until the Gateway has seen the switch", route({NEW: 1, OLD: 0}, 4), NEW, {NEW: 1, OLD: 0}),
        ("and then lets it go", route({NEW: 1, OLD: 0}, 5), NEW, {NEW: 1}),
        ("one that nobody has seen lets nothing go", route({NEW: 1, OLD: 0}, None), NEW, {NEW: 1, OLD: 0}),
        ("a refused switch lets nothing go", route({NEW: 1, OLD: 0}, 5, "False"), NEW, {NEW: 1, OLD: 0}),
        ("a switch back is a switch", route({NEW: 1, OLD: 0}, 4), OLD, {OLD: 1, NEW: 0}),
    ],
)
def test_all_weight_goes_to_the_selected_workload(
    what: str, live: dict[str, Any] | None, selected: str, shares: dict[str, int]
) -> None:
    assert next_weights(live, selected) == shares


def test_a_route_says_of_each_workload_what_was_written() -> None:
    assert weights(route({NEW: 1, OLD: 0}, 5)) == {NEW: 1, OLD: 0}
    assert route({NEW: 1}, 5)["kind"] == HTTP_ROUTE.name


def test_the_one_before_answers_until_the_gateway_has_taken_the_switch() -> None:
    assert answering(route({NEW: 1, OLD: 0}, 4)) == OLD
    assert answering(route({NEW: 1, OLD: 0}, 5)) == NEW
    assert answering(route({NEW: 1}, None)) == NEW


def test_what_the_gateway_says_of_an_earlier_version_is_neither_taken_nor_refused() -> None:
    for seen, accepted, said in ((4, "True", (True, False, False)), (5, "True", (True, True, False))):
        one = route({OLD: 1}, seen, accepted)
        assert (is_accepted(one), is_taken(one), refusal(one) is not None) == said
    assert refusal(route({OLD: 1}, 4, "False")) is None
    told = refusal(route({OLD: 1}, 5, "False"))
    assert told is not None
    assert told.message.startswith("the Gateway does not take HTTPRoute pets (Told: why): see that it is there")


(PARENT,) = route({OLD: 1}, 5)["spec"]["parentRefs"]
OTHER = {**PARENT, "name": "inner"}
PARENTS: dict[str, tuple[list[dict[str, str]], bool, str]] = {
    "another Gateway beside ours": ([PARENT, OTHER], True, "the Gateway gateways/models, gateways/inner to take"),
    "another in its place": ([OTHER], False, "the Gateway gateways/inner to take"),
    "one of the model's own namespace": ([{"name": "models"}], False, "the Gateway /models to take"),
    "none": ([], False, "the Gateway of the model to take"),
}


@pytest.mark.parametrize("what", PARENTS)
def test_a_route_whose_gateway_somebody_changed_can_be_read_and_is_to_be_written_anew(what: str) -> None:
    parents, accepted, waits = PARENTS[what]
    live = route({NEW: 1, OLD: 0}, 5)
    wanted = {"spec": {"parentRefs": live["spec"]["parentRefs"]}}
    assert covers(live, wanted)
    live["spec"]["parentRefs"] = parents
    assert (is_accepted(live), answering(live)) == (accepted, NEW if accepted else OLD)
    assert waits_for(live).startswith(waits)
    assert not covers(live, wanted)


@pytest.mark.parametrize("hostname", ["models.example.com", "{model}.example.com", "{model}.{namespace}.{zone}.com"])
def test_hostnames_must_tell_models_of_all_namespaces_apart(hostname: str) -> None:
    with pytest.raises(ValidationError, match=r"must hold \{model\} and \{namespace\}"):
        Gateway(name="models", namespace="gateways", hostname=hostname)


def test_users_are_told_a_port_where_it_is_not_the_usual_one() -> None:
    key = Key("zoo", "pets")
    assert GATEWAY.address(key).http == "http://pets.zoo.example.com"
    assert GATEWAY.address(key).grpc == "grpc.pets.zoo.example.com:80"
    assert GATEWAY.model_copy(update={"port": 8080}).address(key).http == "http://pets.zoo.example.com:8080"
