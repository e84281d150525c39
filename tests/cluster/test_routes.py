"""How the traffic moves by the weights of routes, told pass by pass on a real API server; the Gateway is played."""

from collections.abc import Iterator

import pytest

from lepton.backends.kubernetes.backend import KubernetesBackend
from lepton.backends.kubernetes.kinds import GRPC_ROUTE, HTTP_ROUTE, INFERENCE_SERVICE, SERVICE
from lepton.backends.kubernetes.names import BACKEND, workload_name
from lepton.backends.kubernetes.routes import weights
from lepton.plan.types import EndpointState, Key, Ref, Traffic
from lepton.report import Failure
from lepton.spec.reasons import Reason
from lepton.spec.status import EndpointAddress
from tests.cluster.control_plane import ControlPlane
from tests.cluster.harness import SETTINGS, WITH_GATEWAY, KubernetesHarness
from tests.contract.harness import digits, traffic

KEY = Key("default", "digits")


@pytest.fixture
def harness(furnished: ControlPlane) -> Iterator[KubernetesHarness]:
    with KubernetesHarness(furnished.kubeconfig, WITH_GATEWAY) as made:
        yield made


def workload(wanted: Traffic) -> str:
    return workload_name(KEY, "served", wanted.digest, "kserve")


def shares(harness: KubernetesHarness) -> list[dict[str, int]]:
    """What the routes say, HTTP and gRPC."""
    return [
        weights(route) for kind in (HTTP_ROUTE, GRPC_ROUTE) for route in harness.world.cache.owned(KEY, kind).values()
    ]


def backends(harness: KubernetesHarness) -> list[str]:
    services = harness.world.cache.owned(KEY, SERVICE).values()
    return sorted(one["metadata"]["labels"][BACKEND] for one in services if BACKEND in one["metadata"]["labels"])


def servers(harness: KubernetesHarness) -> list[str]:
    return sorted(harness.world.cache.owned(KEY, INFERENCE_SERVICE))


def start(harness: KubernetesHarness, wanted: Traffic) -> None:
    harness.apply(KEY, wanted)
    harness.let_switch(KEY)


def take(harness: KubernetesHarness) -> None:
    harness.runner.run(harness.world.play_gateway(KEY))


def test_users_are_told_the_hostnames_once_the_gateway_has_taken_the_routes(harness: KubernetesHarness) -> None:
    harness.put(KEY, digits())
    first = traffic(KEY, harness.artifact(KEY, 1))
    start(harness, first)
    waiting = harness.seen(KEY).traffic
    assert waiting is not None
    told = "the Gateway lepton-system/lepton to take HTTPRoute digits: see that it is there"
    assert (waiting.ready, waiting.waits_for) == (False, told)
    take(harness)
    seen = harness.seen(KEY)
    assert seen.traffic == EndpointState(ready=True, digest=first.digest)
    http, grpc = "http://digits.default.models.test:8080", "grpc.digits.default.models.test:8080"
    assert seen.address == EndpointAddress(http=http, grpc=grpc, model="digits")


def test_the_old_servers_stay_until_the_gateway_has_taken_the_switch(harness: KubernetesHarness) -> None:
    harness.put(KEY, digits())
    first, second = traffic(KEY, harness.artifact(KEY, 1)), traffic(KEY, harness.artifact(KEY, 2), 2)
    old, new = workload(first), workload(second)
    start(harness, first)
    take(harness)
    harness.apply(KEY, second)
    assert shares(harness) == [{old: 1}] * 2
    start(harness, second)
    assert shares(harness) == [{new: 1, old: 0}] * 2
    harness.apply(KEY, second)
    assert harness.seen(KEY).traffic == EndpointState(ready=True, digest=first.digest)
    assert backends(harness) == servers(harness) == sorted([old, new])
    take(harness)
    assert harness.seen(KEY).traffic == EndpointState(ready=True, digest=second.digest)
    harness.apply(KEY, second)
    assert shares(harness) == [{new: 1}] * 2
    assert (backends(harness), servers(harness)) == ([new], [new])


def test_a_switch_back_before_the_gateway_took_it_is_one_more_switch(harness: KubernetesHarness) -> None:
    harness.put(KEY, digits())
    first, second = traffic(KEY, harness.artifact(KEY, 1)), traffic(KEY, harness.artifact(KEY, 2), 2)
    start(harness, first)
    take(harness)
    start(harness, second)
    harness.apply(KEY, first)
    assert shares(harness) == [{workload(first): 1, workload(second): 0}] * 2


def test_a_route_that_is_refused_is_told_with_what_to_see_to(harness: KubernetesHarness) -> None:
    harness.put(KEY, digits())
    start(harness, traffic(KEY, harness.artifact(KEY, 1)))
    route = harness.world.object(HTTP_ROUTE, KEY, KEY.name)
    harness.runner.run(harness.world.judge(HTTP_ROUTE, route, "False", "NotAllowedByListeners"))
    state = harness.seen(KEY).traffic
    assert state is not None
    message = (
        "the Gateway does not take HTTPRoute digits (NotAllowedByListeners: as played): "
        "see that it is there and allows routes of this kind and hostname from this namespace"
    )
    assert (state.ready, state.failure) == (False, Failure(reason=Reason.ROUTE_REFUSED, message=message))


def test_without_a_gateway_in_the_settings_no_route_is_left(harness: KubernetesHarness) -> None:
    harness.put(KEY, digits())
    wanted = traffic(KEY, harness.artifact(KEY, 1))
    start(harness, wanted)
    take(harness)
    harness.backend = KubernetesBackend(harness.world.client, harness.world.cache, SETTINGS)
    harness.apply(KEY, wanted)
    assert (shares(harness), backends(harness)) == ([], [])
    seen = harness.seen(KEY)
    assert seen.traffic == EndpointState(ready=True, digest=wanted.digest)
    assert seen.address is not None
    assert seen.address.http == "http://digits.default.svc:8000"


def test_what_is_not_wanted_any_more_goes_with_all_that_leads_to_it(harness: KubernetesHarness) -> None:
    harness.put(KEY, digits())
    start(harness, traffic(KEY, harness.artifact(KEY, 1)))
    harness.delete(KEY, Ref("Traffic", KEY.name))
    assert (shares(harness), backends(harness), harness.seen(KEY).owned) == ([], [], frozenset())


def test_where_the_gateway_api_is_not_installed_it_is_told_and_the_service_leads_users(
    control_plane: ControlPlane,
) -> None:
    with KubernetesHarness(control_plane.kubeconfig, WITH_GATEWAY) as harness:
        harness.put(KEY, digits())
        wanted = traffic(KEY, harness.artifact(KEY, 1))
        start(harness, wanted)
        message = (
            "the Gateway API is not installed on this cluster: "
            "install it, or take the gateway out of the chart's values"
        )
        missing = Failure(reason=Reason.NOT_INSTALLED, message=message)
        assert harness.seen(KEY).traffic == EndpointState(ready=True, digest=wanted.digest, failure=missing)
        assert backends(harness) == []
