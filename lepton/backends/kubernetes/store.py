"""The LeptonModels of one namespace, as a person reads and writes them. The command uses it; the operator never does.

Writes go by server-side apply under a field manager of its own, so that nobody else's fields are touched. Raises
ApiError, and LeptonError for a model that this version of Lepton can't read.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from pydantic import JsonValue

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, OF_A_MODEL, Kind, Object
from lepton.backends.kubernetes.names import MODEL
from lepton.backends.kubernetes.observe import observe, parse
from lepton.errors import LeptonError
from lepton.plan.types import Observed
from lepton.spec.resource import RETRIED_AT, LeptonModel

MANAGER = "lepton-cli"
_NONE: Mapping[str, str] = MappingProxyType({})


class Store:
    """One namespace of one cluster."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self.version = ""
        """Of what was read last: a watch goes on from there."""

    async def models(self) -> list[LeptonModel]:
        """All models, by name."""
        objects, self.version = await self.client.list(LEPTON_MODEL, self.namespace)
        return sorted((_parsed(one) for one in objects), key=lambda model: model.metadata.name)

    async def get(self, name: str) -> LeptonModel | None:
        """One model; None where there is none."""
        object_ = await self._live(name)
        return None if object_ is None else _parsed(object_)

    async def apply(self, model: LeptonModel) -> LeptonModel:
        """Create it or make its fields as given."""
        return _parsed(await self._apply(_written(model)))

    async def judge(self, model: LeptonModel) -> None:
        """Let the API server decide whether it would take the model, and store nothing."""
        await self._apply(_written(model), {"dryRun": "All"})

    async def change(self, name: str, fields: Mapping[str, JsonValue]) -> None:
        """Give some fields of the spec other values; None removes one, whoever set it.

        What is set becomes part of what the command has applied, so that the next file that is applied has its say.
        """
        gone: Object = {field: None for field, value in fields.items() if value is None}
        if gone:
            await self.client.merge(LEPTON_MODEL, self.namespace, name, {"spec": gone}, MANAGER)
        given = {field: value for field, value in fields.items() if value is not None}
        if given:
            mine = applied_by(MANAGER, await self.client.get(LEPTON_MODEL, self.namespace, name))
            object_ = {**_head(name, self.namespace), **mine, "spec": {**mine.get("spec", {}), **given}}
            object_["metadata"] = {**mine.get("metadata", {}), "name": name, "namespace": self.namespace}
            await self._apply(object_)

    async def retry(self, name: str) -> None:
        """Mark the model with the time at which another try was asked for."""
        changes = {"metadata": {"annotations": {RETRIED_AT: datetime.now(UTC).isoformat()}}}
        await self.client.merge(LEPTON_MODEL, self.namespace, name, changes, MANAGER)

    async def delete(self, name: str) -> None:
        """Ask for its deletion."""
        await self.client.delete(LEPTON_MODEL, self.namespace, name)

    async def owned(self, name: str) -> dict[Kind, dict[str, Object]]:
        """All objects that belong to a model; none of a kind that the cluster does not know."""
        found: dict[Kind, dict[str, Object]] = {}
        for kind in OF_A_MODEL:
            try:
                objects, _ = await self.client.list(kind, self.namespace, f"{MODEL}={name}")
            except ApiError as error:
                if error.status != 404:
                    raise
                objects = []
            found[kind] = {one["metadata"]["name"]: one for one in objects}
        return found

    async def knows(self, kind: Kind) -> bool:
        """Whether there can be objects of a kind on the cluster."""
        try:
            await self.client.find(kind, self.namespace, "-")
        except ApiError as error:
            if error.status != 404:
                raise
            return False
        return True

    async def observe(self, model: LeptonModel) -> Observed:
        """All that a decision about the model may depend on."""
        owned = await self.owned(model.metadata.name)
        return observe(model, lambda kind: owned.get(kind, {}))

    async def _apply(self, object_: Object, options: Mapping[str, str] = _NONE) -> Object:
        """Apply server-side and strictly: a field that the CRD does not have is refused, not dropped."""
        path = LEPTON_MODEL.path(self.namespace, object_["metadata"]["name"])
        query = {"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict", **options}
        headers = {"Content-Type": "application/apply-patch+yaml", "Accept": "application/json"}
        applied: Object = json.loads((await self.client.ask("PATCH", path, query, object_, headers))[0])
        return applied

    async def _live(self, name: str) -> Object | None:
        try:
            object_ = await self.client.get(LEPTON_MODEL, self.namespace, name)
        except ApiError as error:
            if error.status == 404 and error.reason == "NotFound" and f'"{name}"' in error.message:
                return None
            raise
        self.version = object_["metadata"]["resourceVersion"]
        return object_


def applied_by(manager: str, object_: Object) -> Object:
    """The fields of an object that a field manager has applied, with their values."""
    for entry in object_["metadata"].get("managedFields", ()):
        if (entry["manager"], entry["operation"]) == (manager, "Apply") and not entry.get("subresource"):
            picked: Object = _picked(object_, entry["fieldsV1"])
            return picked
    return {}


def _picked(value: Object, fields: Object) -> Object:
    """The part of a value that fieldsV1 names: `f:` before each field, nothing below what is owned whole."""
    below = {name.removeprefix("f:"): inner for name, inner in fields.items() if name.startswith("f:")}
    if not below or not isinstance(value, dict):
        return value
    return {name: _picked(value[name], inner) for name, inner in below.items() if name in value}


def _written(model: LeptonModel) -> Object:
    """The object with what the user wrote, and nothing else."""
    metadata, given = model.metadata, model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    named = {"labels": metadata.labels, "annotations": metadata.annotations}
    object_ = _head(metadata.name, metadata.namespace)
    object_["metadata"] |= {name: value for name, value in named.items() if value}
    return {**object_, "spec": _without_nulls(given["spec"])}


def _head(name: str, namespace: str) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": LEPTON_MODEL.api_version, "kind": LEPTON_MODEL.name, "metadata": metadata}


def _without_nulls(section: Object) -> Object:
    """A section without the fields that are set to nothing, which is what leaving them out means."""
    return {
        name: _without_nulls(value) if isinstance(value, dict) else value
        for name, value in section.items()
        if value is not None
    }


def _parsed(object_: Object) -> LeptonModel:
    try:
        return parse(object_)
    except LeptonError as error:
        name = object_["metadata"]["name"]
        raise LeptonError(error.reason, f"{name} is not what this version of Lepton reads: {error.message}") from error
