"""The JSON schema of LeptonModel, made from the types, in the three forms that its readers want.

`lepton.spec.problems` and the reference read the plain forms; editors and Kubernetes have their own dialects. Called
by `make generate`, which writes them down. It never adds a rule that the types do not hold.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from lepton.spec import resource
from lepton.spec.rules import KEYWORD

Schema = dict[str, Any]

IGNORED_METADATA = ("uid", "generation", "resourceVersion", "deletionTimestamp")
"""Fields of metadata that the store gives; in a user's file they mean nothing."""
_PRINTED = (
    ("Phase", "string", ".status.phase", "The first stage that is not done"),
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', "Whether it answers"),
    ("Revision", "integer", ".status.serving.revision", "The revision that takes the traffic"),
    ("Accuracy", "number", ".status.serving.accuracy", "Percent, measured at the endpoint on held-out data"),
    ("Bytes", "integer", ".status.serving.sizeBytes", "Size of the model file"),
    ("P50ms", "number", ".status.serving.p50Ms", "Median milliseconds of an answer over HTTP, measured at the gate"),
    ("URL", "string", ".status.endpoint.http", "Where it answers"),
    ("Age", "date", ".metadata.creationTimestamp", "Since when it exists"),
)


@cache
def plain_schema() -> Schema:
    """The whole resource with nothing to look up: no $ref, no title, and `nullable` where null is allowed."""
    schema = resource.LeptonModel.model_json_schema(by_alias=True)
    return _resolve(schema, schema["$defs"])


@cache
def user_schema() -> Schema:
    """The plain schema without what Lepton itself writes: status, uid and the like."""
    schema = _mapped(plain_schema(), dict)
    del schema["properties"]["status"]
    metadata = schema["properties"]["metadata"]
    fields = {name: field for name, field in metadata["properties"].items() if name not in IGNORED_METADATA}
    metadata["properties"] = fields
    return schema


def _resolve(node: Schema, definitions: Schema) -> Schema:
    found = {key: value for key, value in node.items() if key not in {"$ref", "$defs", "anyOf", "title", "const"}}
    if "$ref" in node:
        found = {**_resolve(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions), **found}
    for choice in node.get("anyOf", ()):
        if choice == {"type": "null"}:
            found["nullable"] = True
        else:
            found = {**_resolve(choice, definitions), **found}
    if "const" in node:
        found["enum"] = [node["const"]]
    if "description" in found:
        found["description"] = found["description"].replace("\n", " ")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            found[key] = _resolve(node[key], definitions)
    if "properties" in node:
        found["properties"] = {name: _resolve(field, definitions) for name, field in node["properties"].items()}
    return found


def editor_schema() -> Schema:
    """What an editor needs to complete and check a user's file: JSON schema 2020-12, without what Lepton reports."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": resource.KIND}
    return {**head, **_for_editors(user_schema())}


def _for_editors(node: Schema) -> Schema:
    found = _mapped(node, _for_editors)
    found.pop(KEYWORD, None)
    if found.pop("nullable", False):
        found["type"] = [found["type"], "null"]
        if found.get("default", "") is None:
            del found["default"]
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
    return found


def custom_resource_definition() -> Schema:
    """The CustomResourceDefinition: a structural schema, as Kubernetes asks for (no $ref, no anyOf, no title).

    It holds no defaults: what is stored is what the user wrote, and the defaults are those of the Lepton that reads it.
    `kubectl explain` tells them. Nor does it bind the operator to the words that it may report: a newer one knows more.
    """
    schema = _for_kubernetes(plain_schema())
    fields = schema["properties"]
    fields["spec"] = _for_kubernetes(_explained(plain_schema()["properties"]["spec"]))
    fields["status"] = _without_words(fields["status"])
    fields["metadata"] = {"type": "object", "properties": {"name": fields["metadata"]["properties"]["name"]}}
    for name in ("apiVersion", "kind"):
        del fields[name]["enum"]
    conditions = schema["properties"]["status"]["properties"]["conditions"]
    conditions |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.PLURAL}.{resource.GROUP}"},
        "spec": {
            "group": resource.GROUP,
            "names": {
                "kind": resource.KIND,
                "listKind": f"{resource.KIND}List",
                "plural": resource.PLURAL,
                "singular": resource.KIND.lower(),
                "shortNames": [resource.SHORT_NAME],
            },
            "scope": "Namespaced",
            "versions": [_version(schema)],
        },
    }


def _version(schema: Schema) -> Schema:
    return {
        "name": resource.VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": type_, "jsonPath": path, "description": description}
            for name, type_, path, description in _PRINTED
        ],
    }


def _explained(node: Schema) -> Schema:
    """The node with each default in the words that describe its field."""
    found = _mapped(node, _explained)
    if isinstance(node.get("default"), bool | int | float | str):
        found["description"] = f"{node['description']} By default {json.dumps(node['default']).strip(chr(34))}."
    return found


def _without_words(node: Schema) -> Schema:
    found = _mapped(node, _without_words)
    found.pop("enum", None)
    return found


def _for_kubernetes(node: Schema) -> Schema:
    found = _mapped(node, _for_kubernetes)
    for key in ("default", "examples"):
        found.pop(key, None)
    if "enum" in found:
        found.pop("nullable", None)  # null is none of the words, whatever is written down here
    if found.get("additionalProperties") is False:
        del found["additionalProperties"]  # the API server prunes or refuses unknown fields by itself
    elif found.get("additionalProperties") == {}:
        del found["additionalProperties"]
        found["x-kubernetes-preserve-unknown-fields"] = True
    for bound in ("Minimum", "Maximum"):  # OpenAPI 3.0 says with a flag what JSON schema says with a number
        if f"exclusive{bound}" in found:
            found[bound.lower()] = found[f"exclusive{bound}"]
            found[f"exclusive{bound}"] = True
    return found


def _mapped(node: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """A copy of a node in which every node below is changed."""
    found = dict(node)
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            found[key] = change(node[key])
    if "properties" in node:
        found["properties"] = {name: change(field) for name, field in node["properties"].items()}
    return found
