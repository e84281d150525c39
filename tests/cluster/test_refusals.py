"""A real API server refuses every bad spec at `kubectl apply`, names the field, and says its rules' very sentences."""

import asyncio
import json
from pathlib import Path

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.kinds import LEPTON_MODEL
from lepton.spec.document import documents
from lepton.spec.load import load
from tests.bad_specs import BAD_SPECS, BadSpec
from tests.cluster.control_plane import ControlPlane

SAMPLES = sorted((Path(__file__).parents[2] / "manifests" / "samples").glob("*.yaml"))


def expected(bad: BadSpec) -> list[str]:
    """What the API server's words must hold."""
    if bad.refused_by == "strictness":
        return [f'unknown field "{bad.field}"']
    said = bad.sentence.removeprefix(f"given {json.dumps(value_at(bad))}: ") if bad.refused_by == "rule" else ""
    return [f"{bad.field}: ", said]


def value_at(bad: BadSpec) -> object:
    """The value that is told as given."""
    value: object = bad.document
    for word in bad.field.replace("[", ".").replace("]", "").split("."):
        value = value[int(word)] if isinstance(value, list) else value[word]  # type: ignore[index]  # as it is written
    return value


async def answers(plane: ControlPlane, objects: list[object]) -> list[str]:
    """What the API server says to each that it refuses, as kubectl would ask it; nothing to one that it takes."""
    await config.load_kube_config(str(plane.kubeconfig))
    query = {"dryRun": "All", "fieldValidation": "Strict"}
    async with ApiClient() as api:
        client, told = Client(api), []
        for one in objects:
            try:
                await client._request("POST", LEPTON_MODEL.path("default"), query, one)  # type: ignore[arg-type]
                told.append("")
            except ApiError as error:
                told.append(error.message)
    return told


def test_each_bad_spec_is_refused_with_its_field_and_its_sentence(control_plane: ControlPlane) -> None:
    told = asyncio.run(answers(control_plane, [bad.document for bad in BAD_SPECS]))
    wrong = {
        bad.name: said
        for bad, said in zip(BAD_SPECS, told, strict=True)
        if not all(words in said for words in expected(bad)) or not said
    }
    assert wrong == {}


def test_each_sample_is_taken_as_a_user_writes_it_and_with_every_field_named(control_plane: ControlPlane) -> None:
    models = [model for path in SAMPLES for model in load(path.read_bytes()).models]
    written = [document.value for path in SAMPLES for document in documents(path.read_bytes())[0]]
    in_full = [{**model.model_dump(mode="json", by_alias=True), "metadata": {"name": "full"}} for model in models]
    for one in in_full:
        del one["status"]
    told = asyncio.run(answers(control_plane, [*written, *in_full]))
    assert told == [""] * (2 * len(SAMPLES))
