"""The pure parts of the Ray Serve application: JSON and bytes to messages and back, and what is refused."""

import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc.model_config_pb2 import ModelConfig
from tritonclient.grpc.service_pb2 import ModelInferRequest

from lepton.deploy.engines.triton import model_config
from lepton.spec.deploy import Batching, Deploy
from services.rayserve import rest, v2
from services.rayserve.backend import InferenceResponse, Tensor, TritonError

CLASSES, SHAPE = ("ant", "bee"), (2, 2, 1)
CONFIG = text_format.Parse(model_config(CLASSES, SHAPE, Deploy(batching=Batching(max_size=4))), ModelConfig())
CONFIG.name = "pets"
ZEROS = {"name": "image", "datatype": "UINT8", "shape": [1, *SHAPE], "data": [0, 0, 0, 0]}


def asked(said: dict[str, Any], behind: bytes = b"") -> ModelInferRequest:
    text = json.dumps(said).encode()
    return rest.read(text + behind, str(len(text)) if behind else None, "pets", "")[0]


def test_a_tensor_is_the_same_as_json_nested_json_bytes_and_contents() -> None:
    nested = {**ZEROS, "data": [[[[0], [0]], [[0], [0]]]]}
    binary = {**ZEROS, "parameters": {"binary_data_size": 4}}
    del binary["data"]
    typed = ModelInferRequest(model_name="pets")
    tensor = typed.inputs.add(name="image", datatype="UINT8", shape=[1, *SHAPE])
    tensor.contents.uint_contents.extend([0, 0, 0, 0])
    requests = [asked({"inputs": [ZEROS]}), asked({"inputs": [nested]}), asked({"inputs": [binary]}, bytes(4)), typed]
    for request in requests:
        (read,) = v2.read(request, CONFIG).inputs()
        assert (read.name(), read.as_numpy().dtype) == ("image", np.uint8)
        assert read.as_numpy().tolist() == np.zeros((1, *SHAPE)).tolist()


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=4))
def test_bytes_come_as_they_went(values: list[bytes]) -> None:
    array = np.array(values, np.object_)[:, None]
    assert v2.unraw(v2.raw(array), "BYTES", array.shape).tolist() == array.tolist()


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "another model": ({"model_name": "dogs"}, "NOT_FOUND", "unknown model: 'dogs'"),
    "another version": ({"model_version": "7"}, "NOT_FOUND", "'pets' version 7"),
    "another input": ({"name": "sound"}, "INVALID_ARGUMENT", "unexpected inference input 'sound'"),
    "another type": ({"datatype": "FP32"}, "INVALID_ARGUMENT", "data-type is 'FP32', but model 'pets' expects 'UINT8'"),
    "another shape": ({"shape": [1, 4]}, "INVALID_ARGUMENT", "Expected [-1, 2, 2, 1], got [1, 4]"),
    "more than a batch": ({"shape": [5, *SHAPE]}, "INVALID_ARGUMENT", "batch-size must be <= 4"),
    "fewer bytes": ({"raw": b"123"}, "INVALID_ARGUMENT", "3 bytes are no UINT8 tensor of shape [1, 2, 2, 1]"),
    "another output": ({"output": "colour"}, "INVALID_ARGUMENT", "unexpected inference output 'colour'"),
}


@pytest.mark.parametrize(("change", "code", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_a_model_can_not_be_asked_is_refused_in_words(change: dict[str, Any], code: str, words: str) -> None:
    given = {"model_name": "pets", "model_version": "1", "name": "image", "datatype": "UINT8", "output": "label"}
    it = {**given, "shape": [1, *SHAPE], "raw": bytes(4), **change}
    request = ModelInferRequest(model_name=it["model_name"], model_version=it["model_version"])
    request.inputs.add(name=it["name"], datatype=it["datatype"], shape=it["shape"])
    request.outputs.add(name=it["output"])
    request.raw_input_contents.append(it["raw"])
    with pytest.raises(v2.Refused) as refused:
        v2.read(request, CONFIG)
    assert refused.value.code == code
    assert words in refused.value.message


BODIES = {
    "no JSON": b"{",
    "no object": b"[]",
    "no inputs": b"{}",
    "no shape": b'{"inputs": [{"name": "image", "datatype": "UINT8", "data": [0]}]}',
    "no data": b'{"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1, 2, 2, 1]}]}',
    "text for a number": b'{"inputs": [{"name": "image", "datatype": "UINT8", "shape": [1], "data": ["a"]}]}',
    "an abyss": b"[" * 100_000,
    "a number for text": b'{"inputs": [{"name": "image_bytes", "datatype": "BYTES", "shape": [1, 1], "data": [1]}]}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_not_the_protocols_is_refused(body: bytes) -> None:
    with pytest.raises(v2.Refused, match="failed to parse the request") as refused:
        rest.read(body, None, "pets", "")
    assert rest.STATUS[refused.value.code] == 500  # as Triton has it


BINARY = {"name": "image", "datatype": "UINT8", "shape": [1, *SHAPE]}
TEXT = json.dumps({"inputs": [{**BINARY, "parameters": {"binary_data_size": 4}}]}).encode()
HEADERS = {
    "below 0": ("-1", "must be a number from 0 to"),
    "no number": ("four", "must be a number from 0 to"),
    "nothing": ("", "must be a number from 0 to"),
    "more than there is": (str(len(TEXT) + 5), "must be a number from 0 to"),
    "a giant": ("9" * 5000, "must be a number from 0 to"),
}


@pytest.mark.parametrize(("length", "words"), HEADERS.values(), ids=HEADERS.keys())
def test_a_header_that_is_no_length_of_the_body_is_refused(length: str, words: str) -> None:
    with pytest.raises(v2.Refused, match=words) as refused:
        rest.read(TEXT + bytes(4), length, "pets", "")
    assert (rest.STATUS[refused.value.code], len(refused.value.message) < 200) == (400, True)


def test_bytes_that_belong_to_no_input_are_refused_as_triton_does() -> None:
    assert rest.read(TEXT + bytes(4), str(len(TEXT)), "pets", "")[0].raw_input_contents == [bytes(4)]
    with pytest.raises(v2.Refused, match="1 bytes behind the JSON are of no input") as refused:
        rest.read(TEXT + bytes(5), str(len(TEXT)), "pets", "")
    assert refused.value.code == "INVALID_ARGUMENT"
    with pytest.raises(v2.Refused, match="binary_data_size -1 is below 0"):
        asked({"inputs": [{**BINARY, "parameters": {"binary_data_size": -1}}]}, bytes(5))


@given(st.binary(max_size=60))
def test_bytes_that_are_no_message_are_refused(content: bytes) -> None:
    with suppress(v2.Refused):
        v2.parsed(ModelInferRequest, content)
    with pytest.raises(v2.Refused, match="it is no ModelInferRequest") as refused:
        v2.parsed(ModelInferRequest, b"\xff" * 20)
    assert refused.value.code == "INTERNAL"


@given(st.binary(max_size=200))
def test_no_body_makes_it_fail_otherwise(body: bytes) -> None:
    with suppress(v2.Refused):
        v2.read(rest.read(body, None, "pets", "")[0], CONFIG)


def answered(*outputs: dict[str, Any], by_default: bool = False) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(
        {"id": "7", "inputs": [ZEROS], "outputs": outputs, "parameters": {"binary_data_output": by_default}}
    )
    request, wanted = rest.read(body.encode(), None, "pets", "")
    values = {"label": np.array([[b"bee"]], np.object_), "probability": np.array([[0.5]], np.float32)}
    read = v2.read(request, CONFIG)
    tensors = [Tensor(name, values[name]) for name in read.requested_output_names()]
    return rest.write(v2.response(read, InferenceResponse(tensors), CONFIG), wanted)


def test_an_answer_is_json_and_bytes_behind_it_where_they_were_asked_for() -> None:
    common = {"id": "7", "model_name": "pets", "model_version": "1"}
    label = {"name": "label", "datatype": "BYTES", "shape": [1, 1]}
    probability = {"name": "probability", "datatype": "FP32", "shape": [1, 1]}
    text, headers = answered({"name": "label"}, {"name": "probability"})
    assert json.loads(text) == {**common, "outputs": [{**label, "data": ["bee"]}, {**probability, "data": [0.5]}]}
    assert headers == {"Content-Type": "application/json"}
    binary = {"parameters": {"binary_data": True}}
    body, headers = answered({"name": "label", **binary}, {"name": "probability"})
    length = int(headers[rest.HEADER_LENGTH])
    outputs = [{**label, "parameters": {"binary_data_size": 7}}, {**probability, "data": [0.5]}]
    assert (json.loads(body[:length]), body[length:]) == ({**common, "outputs": outputs}, b"\x03\0\0\0bee")
    body, headers = answered({"name": "probability"}, by_default=True)
    assert body[int(headers[rest.HEADER_LENGTH]) :] == np.float32(0.5).tobytes()


def test_classes_are_asked_for_by_outputs_and_not_otherwise() -> None:
    request = asked({"inputs": [ZEROS], "outputs": [{"name": "probabilities", "parameters": {"classification": 2}}]})
    with pytest.raises(v2.Refused, match="ask for the outputs top_k_labels"):
        v2.read(request, CONFIG)


def test_what_the_model_refuses_is_refused_in_its_words() -> None:
    read = v2.read(asked({"inputs": [ZEROS]}), CONFIG)
    refusal = InferenceResponse(error=TritonError("image_bytes: no image", TritonError.INVALID_ARG))
    with pytest.raises(v2.Refused, match="image_bytes: no image") as refused:
        v2.response(read, refusal, CONFIG)
    assert refused.value.code == "INVALID_ARGUMENT"


def test_a_configuration_is_told_with_numbers_as_numbers() -> None:
    told = rest.plain(CONFIG)
    assert told["input"][1] == {"name": "image", "data_type": "TYPE_UINT8", "dims": [2, 2, 1], "optional": True}
    assert (told["max_batch_size"], told["model_warmup"][1]["inputs"]["image"]["dims"]) == (4, [2, 2, 1])
