"""What a cluster has of what Lepton needs, and how to mend what it lacks. Each check asks one thing, changes nothing.

`lepton --context C doctor` runs them all; `why_idle` also warns other verbs.
"""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.covers import covers
from lepton.backends.kubernetes.settings import Settings
from lepton.cli.place import Finding
from lepton.spec.resource import GROUP, PLURAL, VERSION
from lepton.spec.schema import custom_resource_definition

_OPERATOR = "lepton-operator"
"""The name of the operator's lease, wherever it is installed."""
_ALIVE_S = 45.0
"""The operator renews its lease every few seconds; a lease that is older than this nobody holds any more."""
_CRD = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURAL}.{GROUP}"
_LEASES = "/apis/coordination.k8s.io/v1/leases"
_INSTALL = "install the chart: helm install lepton charts/lepton"
_PARTS: tuple[tuple[str, str, Literal["missing", "warning"], str, str], ...] = (
    ("KubeRay", "ray.io", "missing", "trains", "install the KubeRay operator: builds wait for it"),
    ("KServe", "serving.kserve.io", "warning", "serves", "nothing, unless you want it: plain Deployments serve"),
    (
        "Gateway API",
        "gateway.networking.k8s.io",
        "warning",
        "leads users in",
        "nothing, unless you want it",
    ),
    ("Prometheus operator", "monitoring.coreos.com", "warning", "watches", "nothing, unless you want to see figures"),
)
"""Name, API group, how bad its absence is, what it does, what to do without it."""


async def examine(client: Client, server: str, namespace: str) -> list[Finding]:
    """Run every check. Raises ApiError where not even the first question is answered."""
    version = await _get(client, "/version")
    findings = [Finding("API server", "ok", f"{version['gitVersion']} at {server}")]
    findings += [finding async for finding in _definition(client)]
    findings += [finding async for finding in _operator(client)]
    findings += [finding async for finding in _parts(client)]
    return [*findings, *[finding async for finding in _claim(client, namespace)]]


async def why_idle(client: Client) -> str | None:
    """Why nothing changes on the cluster; None where an operator works, or where one may not look."""
    try:
        found = await _lease(client)
    except ApiError as error:
        if error.status in (403, 404):
            return None
        raise
    if found is None:
        return f"no operator of Lepton is installed on the cluster, so nothing changes: {_INSTALL}"
    where, age_s = found
    if age_s <= _ALIVE_S:
        return None
    return (
        f"the operator of Lepton in namespace {where} was last heard of {age_s:.0f} s ago, so nothing changes: see "
        f"`kubectl -n {where} get pods`"
    )


async def _definition(client: Client) -> AsyncIterator[Finding]:
    name, mend = "CRD", f"apply manifests/crds, or {_INSTALL}"
    try:
        live = await _get(client, _CRD)
    except ApiError as error:
        if error.status == 404:
            yield Finding(name, "missing", "LeptonModels are not known here", mend)
        else:
            yield Finding(name, "warning", f"can't be looked at: {error.message}", "nothing, where `get` works")
        return
    wanted = custom_resource_definition()["spec"]
    if covers(live["spec"], wanted):
        yield Finding(name, "ok", f"{GROUP}/{VERSION}, the same as this command's")
    else:
        yield Finding(name, "warning", f"{GROUP}/{VERSION}, of another version of Lepton than this command", mend)


async def _operator(client: Client) -> AsyncIterator[Finding]:
    try:
        why = await why_idle(client)
        found = await _lease(client)
    except ApiError as error:
        if error.status != 403:
            raise
        yield Finding("operator", "warning", f"can't be looked at: {error.message}", "nothing, where models move")
        return
    if why is not None:
        yield Finding("operator", "missing", why.partition(": ")[0], why.partition(": ")[2])
    elif found is not None:
        yield Finding("operator", "ok", f"works, in namespace {found[0]}")


async def _parts(client: Client) -> AsyncIterator[Finding]:
    groups = {one["name"]: one for one in (await _get(client, "/apis"))["groups"]}
    for name, group, level, does, mend in _PARTS:
        if group in groups:
            yield Finding(name, "ok", str(groups[group]["preferredVersion"]["groupVersion"]))
        else:
            yield Finding(name, level, f"is not installed; it {does}", mend)


async def _claim(client: Client, namespace: str) -> AsyncIterator[Finding]:
    claim = Settings.model_fields["claim"].default
    name = f"claim {claim}"
    try:
        live = await _get(client, f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim}")
    except ApiError as error:
        if error.status == 404:
            mend = f"create it in namespace {namespace}, or name another in the chart's values"
            yield Finding(name, "warning", "is not there; jobs keep checkpoints on it", mend)
        else:
            yield Finding(name, "warning", f"can't be looked at: {error.message}", "nothing, where jobs start")
        return
    phase = live.get("status", {}).get("phase", "Pending")
    if phase == "Bound":
        yield Finding(name, "ok", f"bound in namespace {namespace}")
    else:
        yield Finding(name, "warning", f"is {phase} in namespace {namespace}", "nothing, if it binds on first use")


async def _lease(client: Client) -> tuple[str, float] | None:
    """The namespace of the lease that was renewed last, and the seconds since then by the cluster's clock."""
    body, headers = await client.ask("GET", _LEASES, {"fieldSelector": f"metadata.name={_OPERATOR}"})
    leases = [one for one in json.loads(body)["items"] if one["spec"].get("renewTime")]
    if not leases:
        return None
    newest = max(leases, key=lambda one: str(one["spec"]["renewTime"]))
    now = parsedate_to_datetime(headers["Date"])
    renewed = datetime.fromisoformat(newest["spec"]["renewTime"])
    return newest["metadata"]["namespace"], (now - renewed).total_seconds()


async def _get(client: Client, path: str) -> Mapping[str, Any]:
    body, _ = await client.ask("GET", path, {})
    found: Mapping[str, Any] = json.loads(body)
    return found
