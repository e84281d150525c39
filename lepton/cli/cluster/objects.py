"""The objects of Kubernetes that stand behind what a plan desires, by kind and name. Pure."""

from collections.abc import Callable, Iterator, Mapping

from lepton.backends.kubernetes.kinds import JOB, POD, RAY_JOB, SERVICE, Kind, Object
from lepton.backends.kubernetes.names import JOB_LABEL, WORKLOAD, engine_of, run_name, workload_name
from lepton.backends.kubernetes.render.workload import variant_of
from lepton.plan.preview import Preview
from lepton.plan.types import Desired, Endpoint, Job, Key, Ref, Traffic

Objects = Mapping[Kind, Mapping[str, Object]]
"""All of a model's, by kind and name."""


def objects_of(namespace: str, desired: Desired, has_kserve: bool) -> list[str]:
    """What is made for it. The candidate's servers are those that the traffic moves to."""
    if isinstance(desired, Job):
        run = RAY_JOB if desired.kind == "build" else JOB
        return [f"{run.name} {run_name(desired)}", f"ConfigMap, ServiceAccount, Role and RoleBinding {desired.name}"]
    variant, engine = variant_of(desired), engine_of(desired.deploy, has_kserve)
    service = f"{SERVICE.name} {desired.ref.name}"
    if isinstance(desired, Endpoint) and variant == "served":
        return [service]
    return [service, f"servers {workload_name(Key(namespace, desired.model), variant, desired.digest, engine)}"]


def vanishing(model: str, owned: Objects, found: Preview) -> list[str]:
    """What goes: the objects of what is not wanted any more, and the servers that the traffic leaves."""
    lines = [line for ref in sorted(found.goes) for line in _of_ref(owned, ref)]
    service = owned.get(SERVICE, {}).get(model)
    if service is None or all(not isinstance(desired, Traffic) for desired in found.comes) or found.keeps_servers:
        return lines
    servers = service["spec"].get("selector", {}).get(WORKLOAD)  # none where somebody else changed the selector
    return [*lines, *_labelled(owned, WORKLOAD, servers)] if servers else lines


def remnants_of(owned: Objects) -> list[str]:
    """All objects that there are."""
    return list(_chosen(owned, lambda _: True))


def _of_ref(owned: Objects, ref: Ref) -> Iterator[str]:
    if ref.kind == "Job":
        yield from _labelled(owned, JOB_LABEL, ref.name)
    elif ref.name in owned.get(SERVICE, {}):
        yield f"{SERVICE.name} {ref.name}"
    else:
        yield from _labelled(owned, WORKLOAD, ref.name)


def _labelled(owned: Objects, label: str, value: str) -> Iterator[str]:
    """The objects with this label; pods go with what makes them."""
    without_pods = {kind: objects for kind, objects in owned.items() if kind != POD}
    return _chosen(without_pods, lambda object_: object_["metadata"].get("labels", {}).get(label) == value)


def _chosen(owned: Objects, holds: Callable[[Object], bool]) -> Iterator[str]:
    for kind, objects in owned.items():
        yield from (f"{kind.name} {name}" for name in sorted(objects) if holds(objects[name]))
