"""More settled models than there is time to let live: copies of one that did, as objects of the API server.

A copy differs in its name and in what the API server gives: nothing in a model's objects is derived from its name but
their names. So the operator finds nothing to do for it, and must find that out like for any other.
"""

import asyncio
import json
from contextlib import suppress
from typing import Any

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.kinds import JOB, LEPTON_MODEL, OF_A_MODEL, SERVICE, Kind, Object
from lepton.backends.kubernetes.names import MODEL

_GIVEN = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation")
_AT_ONCE = 16


async def clone(client: Client, original: str, names: list[str]) -> None:
    """Make a copy of a settled model of the namespace default under each of these names."""
    objects = [(LEPTON_MODEL, await client.get(LEPTON_MODEL, "default", original))]
    for kind in OF_A_MODEL:
        with suppress(ApiError):  # not installed
            objects += [(kind, one) for one in (await client.list(kind, "default", f"{MODEL}={original}"))[0]]
    rest = iter(names)

    async def copy_some() -> None:
        for name in rest:
            await _copy(client, [(kind, json.loads(json.dumps(one).replace(original, name))) for kind, one in objects])

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(copy_some())


async def _copy(client: Client, objects: list[tuple[Kind, Object]]) -> None:
    uid = ""
    for kind, object_ in objects:
        made = await client.create(kind, _unborn(kind, object_, uid))
        uid = uid or made["metadata"]["uid"]
        if object_.get("status") and kind is not SERVICE:
            await client.write_status(kind, {**made, "status": object_["status"]})


def _unborn(kind: Kind, object_: Object, uid: str) -> Object:
    """The object as it was before the API server took it; the model of this uid owns it."""
    metadata = {name: value for name, value in object_["metadata"].items() if name not in _GIVEN}
    for owner in metadata.get("ownerReferences", ()):
        owner["uid"] = uid
    spec: Any = object_.get("spec")
    if kind is SERVICE:
        spec = {name: value for name, value in spec.items() if not name.startswith("clusterIP")}
    if kind is JOB:
        spec = {name: value for name, value in spec.items() if name != "selector"}
        spec["template"]["metadata"] = {"labels": metadata["labels"]}
    fields = {name: value for name, value in object_.items() if name not in ("status", "metadata", "spec")}
    return {**fields, "metadata": metadata, **({"spec": spec} if spec is not None else {})}
