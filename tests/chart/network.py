"""What NetworkPolicies mean (networking.k8s.io/v1), for tests that ask who may talk to whom. Pure.

Only what the chart uses is understood; anything else is an error, not a guess.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A pod; or, without a namespace, something outside of the cluster's pods: a bucket, the API server."""

    name: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


def may_talk(policies: Sequence[Object], from_: Place, to: Place, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection is let out of the one and into the other."""
    return _lets(policies, "Egress", from_, to, port, protocol) and _lets(
        policies, "Ingress", to, from_, port, protocol
    )


def _lets(policies: Sequence[Object], direction: str, pod: Place, other: Place, port: int, protocol: str) -> bool:
    """Whether the policies of one end let it pass: all does where none selects the pod."""
    rules_key, peers_key = {"Egress": ("egress", "to"), "Ingress": ("ingress", "from")}[direction]
    mine = [one for one in policies if direction in one["spec"]["policyTypes"] and _selects(one, pod)]
    return not mine or any(
        _among_peers(rule.get(peers_key), one["metadata"]["namespace"], other)
        and _among_ports(rule.get("ports"), port, protocol)
        for one in mine
        for rule in one["spec"].get(rules_key, ())
    )


def _selects(policy: Object, pod: Place) -> bool:
    return policy["metadata"]["namespace"] == pod.namespace and _matches(policy["spec"]["podSelector"], pod.labels)


def _among_peers(peers: Sequence[Object] | None, namespace: str, other: Place) -> bool:
    return not peers or any(_is_peer(peer, namespace, other) for peer in peers)


def _is_peer(peer: Object, namespace: str, other: Place) -> bool:
    assert set(peer) <= {"podSelector", "namespaceSelector"}, peer
    if not other.namespace:
        return False
    named = {"kubernetes.io/metadata.name": other.namespace}
    there = _matches(peer["namespaceSelector"], named) if "namespaceSelector" in peer else other.namespace == namespace
    return there and _matches(peer.get("podSelector", {}), other.labels)


def _matches(selector: Object, labels: Mapping[str, str]) -> bool:
    assert set(selector) <= {"matchLabels", "matchExpressions"}, selector
    asked = selector.get("matchExpressions", ())
    assert all(one["operator"] == "Exists" for one in asked), selector
    return selector.get("matchLabels", {}).items() <= labels.items() and all(one["key"] in labels for one in asked)


def _among_ports(ports: Sequence[Object] | None, port: int, protocol: str) -> bool:
    return not ports or any((one["port"], one.get("protocol", "TCP")) == (port, protocol) for one in ports)
