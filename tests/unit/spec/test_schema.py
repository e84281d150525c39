"""What is generated from the types is fresh, is what Kubernetes and editors take, and says what the types say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator, Draft202012Validator

from lepton.spec.load import load
from lepton.spec.rules import KEYWORD
from lepton.spec.schema import custom_resource_definition, editor_schema, plain_schema
from tests.bad_specs import BAD_SPECS, BadSpec
from tools.generate import outputs

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = sorted((ROOT / "manifests" / "samples").glob("*.yaml"))
CRD = custom_resource_definition()
VERSION = CRD["spec"]["versions"][0]
STRUCTURE = VERSION["schema"]["openAPIV3Schema"]
WORDS = {
    *("type", "description", "properties", "required", "items", "additionalProperties", "enum", "nullable"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern"),
    *("maxItems", "maxProperties", "x-kubernetes-validations"),
    *("x-kubernetes-preserve-unknown-fields", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
}


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("properties", {}).values():
        yield from nodes(below)
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from nodes(node[key])


def fields(node: dict[str, Any]) -> list[list[str]]:
    return [list(below["properties"]) for below in nodes(node) if "properties" in below]


def sample(**changes: object) -> dict[str, Any]:
    return {**yaml.safe_load((ROOT / "manifests" / "samples" / "minimal.yaml").read_text()), **changes}


@pytest.mark.parametrize(("path", "text"), outputs().items(), ids=outputs())
def test_what_is_generated_is_fresh(path: str, text: str) -> None:
    assert (ROOT / path).read_text() == text, "stale: run `make generate`"


def test_the_crd_is_a_structural_schema_in_the_words_that_kubernetes_knows() -> None:
    for node in nodes(STRUCTURE):
        assert set(node) <= WORDS
        assert node["type"] in {"object", "array", "string", "integer", "number", "boolean"}
        assert not ("properties" in node and "additionalProperties" in node)
        assert node["type"] != "array" or "items" in node
        for bound in ("Minimum", "Maximum"):
            assert f"exclusive{bound}" not in node or bound.lower() in node
    assert set(STRUCTURE["properties"]["metadata"]["properties"]) == {"name"}


def test_the_crd_has_what_kubectl_shows() -> None:
    assert CRD["metadata"]["name"] == "leptonmodels.leptonml.dev"
    assert CRD["spec"]["names"]["shortNames"] == ["lm"]
    assert VERSION["subresources"] == {"status": {}}
    columns = [column["name"] for column in VERSION["additionalPrinterColumns"]]
    assert columns == ["Phase", "Ready", "Revision", "Accuracy", "Bytes", "P50ms", "URL", "Age"]


def test_kubectl_explain_tells_what_a_field_means_and_its_default() -> None:
    epochs = STRUCTURE["properties"]["spec"]["properties"]["train"]["properties"]["epochs"]
    assert epochs["description"] == "Passes over the training examples. By default 20."
    assert not any("default" in node for node in nodes(STRUCTURE))


def test_a_newer_operator_may_report_words_that_this_crd_does_not_know() -> None:
    assert not any("enum" in node for node in nodes(STRUCTURE["properties"]["status"]))
    assert any("enum" in node for node in nodes(STRUCTURE["properties"]["spec"]))


def test_parameters_of_a_users_function_are_free() -> None:
    parameters = STRUCTURE["properties"]["spec"]["properties"]["model"]["properties"]["parameters"]
    assert parameters["x-kubernetes-preserve-unknown-fields"] is True


def test_every_field_of_the_types_is_in_the_crd_and_explained() -> None:
    for name in ("spec", "status"):
        typed, written = plain_schema()["properties"][name], STRUCTURE["properties"][name]
        assert fields(written) == fields(typed)
    found = [one for node in nodes(STRUCTURE) for one in node.get("properties", {}).items()]
    silent = [name for name, field in found if not field.get("description")]
    assert silent == ["metadata"]  # Kubernetes describes that one itself, and takes no other words


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_sample_is_right_for_the_loader_for_kubernetes_and_for_editors(path: Path) -> None:
    loaded = load(path.read_bytes())
    assert loaded.problems == ()
    document = yaml.safe_load(path.read_text())
    Draft4Validator(STRUCTURE).validate(document)
    Draft202012Validator(editor_schema()).validate(document)


@pytest.mark.parametrize("bad", [bad for bad in BAD_SPECS if bad.refused_by == "schema"], ids=lambda bad: bad.name)
def test_what_the_loader_refuses_for_its_type_kubernetes_and_editors_refuse_too(bad: BadSpec) -> None:
    assert not Draft4Validator(STRUCTURE).is_valid(bad.document)
    assert not Draft202012Validator(editor_schema()).is_valid(bad.document)


def test_every_rule_that_the_crd_carries_is_broken_by_a_spec_of_the_table() -> None:
    carried = {rule["message"] for node in nodes(STRUCTURE) for rule in node.get(KEYWORD, ())}
    broken = {bad.sentence.partition(": ")[2] for bad in BAD_SPECS} | {bad.sentence for bad in BAD_SPECS}
    assert len(carried) > 10
    assert carried - broken == set()


def test_editors_refuse_an_unknown_field() -> None:
    assert not Draft202012Validator(editor_schema()).is_valid(sample(sepc={}))


def test_the_generated_schemas_are_schemas() -> None:
    Draft202012Validator.check_schema(editor_schema())
    Draft4Validator.check_schema(STRUCTURE)


def test_the_smallest_sample_has_five_lines() -> None:
    lines = (ROOT / "manifests" / "samples" / "minimal.yaml").read_text().splitlines()
    assert len(lines) == 5
