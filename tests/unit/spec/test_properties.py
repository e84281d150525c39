"""Random bytes and random specs: the loader never crashes, and what is valid survives being written and read."""

import json
from typing import Any

from hypothesis import example, given, reject, settings
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from lepton.spec.document import dump
from lepton.spec.load import Loaded, load
from lepton.spec.resource import LeptonModel
from lepton.spec.schema import Schema, user_schema

SCHEMA = user_schema()
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers() | FINITE | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=9), below, max_size=4)
)
YAML_ISH = st.lists(
    st.sampled_from(
        [*"[]{}:,-&*!|>%@`\"'#?~<=\t\n\\ 0a", "---", "...", "\n  ", "&a", "*a", "!!", "<<: ", "1:2", "\ufeff"]
    )
).map("".join)


def numbers(node: Schema) -> st.SearchStrategy[Any]:
    if node["type"] == "integer":
        return st.integers(node.get("minimum", 0), node.get("maximum", 10**9))
    low, high = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    return st.floats(
        node.get("minimum", low if low is not None else -1e9),
        node.get("maximum", high if high is not None else 1e9),
        exclude_min=low is not None,
        exclude_max=high is not None,
    )


def valid(node: Schema) -> st.SearchStrategy[Any]:
    """Values that a node of the schema allows."""
    kind = node["type"]
    if "enum" in node:
        found: st.SearchStrategy[Any] = st.sampled_from(node["enum"])
    elif kind == "object" and "properties" in node:
        found = section(node)
    elif kind == "object":
        found = st.dictionaries(st.text(max_size=9), valid(node["additionalProperties"]), max_size=3)
    elif kind == "array":
        found = st.lists(valid(node["items"]), max_size=3)
    elif kind == "string":
        found = st.sampled_from(node.get("examples", ["x", "no", "1", "2026-01-01", "1e3", " ", "\u00e9\U0001f600"]))
    else:
        found = st.booleans() if kind == "boolean" else numbers(node)
    return found | st.none() if node.get("nullable") else found


def section(node: Schema) -> st.SearchStrategy[dict[str, Any]]:
    required = node.get("required", ())
    fields = {
        name: valid(field) for name, field in node["properties"].items() if "type" in field and name != "parameters"
    }
    return st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )


@st.composite
def broken(draw: st.DrawFn) -> JsonValue:
    """A resource in which one section, or one field of it, is replaced by anything."""
    document: dict[str, Any] = draw(section(SCHEMA))
    node = document
    while below := [name for name, value in node.items() if isinstance(value, dict) and value]:
        if draw(st.booleans()):
            break
        node = node[draw(st.sampled_from(below))]
    node[draw(st.sampled_from(sorted(node)) | st.text(max_size=9))] = draw(VALUES)
    return document


def is_told(loaded: Loaded) -> bool:
    """Whether there are either models or sentences, each one line."""
    return bool(loaded.models) != bool(loaded.problems) and all(str(problem) for problem in loaded.problems)


@given(st.binary(max_size=300) | st.text(max_size=300) | YAML_ISH)
@settings(max_examples=250, deadline=None)
def test_no_text_crashes_the_loader(content: bytes | str) -> None:
    assert is_told(load(content))


@given(VALUES | broken())
@settings(max_examples=80, deadline=None)
def test_no_value_crashes_the_loader(value: JsonValue) -> None:
    assert is_told(load(dump(value)))


LINE_ENDS = {
    "apiVersion": "leptonml.dev/v1alpha1",
    "kind": "LeptonModel",
    "metadata": {"name": "pets", "labels": {"\x85": "\u2028 \u2029"}},
    "spec": {"task": "image-classification", "data": {"uri": "x"}},
}


@example(LINE_ENDS)
@given(section(SCHEMA))
@settings(max_examples=80, deadline=None)
def test_what_is_valid_survives_being_written_and_read(document: JsonValue) -> None:
    try:
        model = LeptonModel.model_validate_json(json.dumps(document))
    except ValidationError:
        reject()
    assert load(dump(document)) == Loaded(models=(model,))
    assert load(dump(model.model_dump(mode="json", by_alias=True))) == Loaded(models=(model,))
    assert LeptonModel.model_validate_json(model.model_dump_json(by_alias=True)) == model
