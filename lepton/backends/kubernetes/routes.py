"""How the traffic moves by the weights of routes: what a route says now, and what it shall say next. Pure.

A switch gives all weight to the new workload and leaves the old one in the route, without any, until the Gateway has
taken that: only then may its servers go, so that no request is lost on the way.
"""

from collections.abc import Iterator

from lepton.backends.kubernetes.kinds import Object
from lepton.backends.kubernetes.names import backend_name
from lepton.report import Failure
from lepton.spec.reasons import Reason

_NEEDED = ("Accepted", "ResolvedRefs")


def weights(route: Object) -> dict[str, int]:
    """The workloads that a route names, and their shares; none where somebody took its rules away."""
    rules = route["spec"].get("rules") or [{}]
    references = rules[0].get("backendRefs") or ()
    return {one["name"].removesuffix(backend_name("")): one.get("weight", 1) for one in references}


def next_weights(route: Object | None, selected: str) -> dict[str, int]:
    """What the route shall say so that all traffic goes to the selected workload, now or in the end."""
    if route is None:
        return {selected: 1}
    before = weights(route)
    if before.get(selected) and is_taken(route):
        return {selected: 1}
    return {selected: 1, **{other: 0 for other in before if other != selected}}


def answering(route: Object) -> str:
    """The workload that certainly still answers: the one before until the Gateway took the switch; "" for none."""
    shares = weights(route)
    before = [workload for workload, share in shares.items() if not share]
    new = next((workload for workload, share in shares.items() if share), "")
    return before[0] if before and not is_taken(route) else new


def is_accepted(route: Object) -> bool:
    """Whether a Gateway routes by it, or by an earlier version of it."""
    return any(all(one.get(kind, {}).get("status") == "True" for kind in _NEEDED) for one in _parents(route))


def is_taken(route: Object) -> bool:
    """Whether a Gateway routes by it as it is."""
    return is_accepted(route) and all(_is_current(one, route) for parent in _parents(route) for one in parent.values())


def refusal(route: Object) -> Failure | None:
    """Why a Gateway does not route by it."""
    for parent in _parents(route):
        for kind in _NEEDED:
            one = parent.get(kind, {})
            if one.get("status") == "False" and _is_current(one, route):
                message = (
                    f"the Gateway does not take {_told(route)} ({one.get('reason', '')}: {one.get('message', '')}): "
                    "see that it is there and allows routes of this kind and hostname from this namespace"
                )
                return Failure(reason=Reason.ROUTE_REFUSED, message=message)
    return None


def waits_for(route: Object) -> str:
    """Whom a route waits for that is not accepted."""
    gateways = ", ".join(f"{one['namespace']}/{one['name']}" for one in _gateways(route)) or "of the model"
    return f"the Gateway {gateways} to take {_told(route)}: see that it is there"


def _parents(route: Object) -> Iterator[dict[str, Object]]:
    """What the controllers of its Gateway say of the route: their conditions, by type."""
    named = _gateways(route)
    for parent in route.get("status", {}).get("parents", ()):
        if {name: parent["parentRef"].get(name) for name in ("namespace", "name")} in named:
            yield {one["type"]: one for one in parent.get("conditions", ()) if one["type"] in _NEEDED}


def _gateways(route: Object) -> list[dict[str, str]]:
    """Whom it names: our Gateway, unless somebody changed that and it has not been put right yet."""
    parents = route["spec"].get("parentRefs") or ()
    return [{name: one.get(name, "") for name in ("namespace", "name")} for one in parents]


def _is_current(condition: Object, route: Object) -> bool:
    seen: int = condition.get("observedGeneration", 0)
    return seen >= int(route["metadata"]["generation"])


def _told(route: Object) -> str:
    return f"{route['kind']} {route['metadata']['name']}"
