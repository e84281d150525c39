"""The Open Inference Protocol over HTTP: JSON, with tensors in it or as bytes behind it, from and to messages. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse
from tritonclient.utils import triton_to_np_dtype

from services.rayserve.v2 import Refused, raw, unraw

HEADER_LENGTH = "Inference-Header-Content-Length"
"""Header: how many bytes of a body are JSON, where bytes of tensors follow."""
STATUS = {"INVALID_ARGUMENT": 400, "NOT_FOUND": 404, "INTERNAL": 500}
"""Of what is refused. A body that is not the protocol's is INTERNAL, as Triton has it."""


@dataclass(frozen=True)
class Wanted:
    """Which outputs are to come as bytes: those named, or all."""

    binary: Mapping[str, bool]
    by_default: bool


def read(body: bytes, header_length: str | None, model: str, version: str) -> tuple[ModelInferRequest, Wanted]:
    """The request of a body, and how to answer it. Raises Refused where it is not the protocol's."""
    length = len(body) if header_length is None else _length(header_length, len(body))
    try:
        said = json.loads(body[:length])
        return _request(said, body[length:], model, version), _wanted(said)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refused(f"failed to parse the request: {type(error).__name__} {error}", "INTERNAL") from error


def write(response: ModelInferResponse, wanted: Wanted) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of an answer."""
    outputs: list[dict[str, Any]] = []
    behind = b""
    for described, content in zip(response.outputs, response.raw_output_contents, strict=True):
        output = {"name": described.name, "datatype": described.datatype, "shape": list(described.shape)}
        if wanted.binary.get(described.name, wanted.by_default):
            output["parameters"] = {"binary_data_size": len(content)}
            behind += content
        else:
            values = unraw(content, described.datatype, described.shape).ravel().tolist()
            output["data"] = [one.decode(errors="replace") if isinstance(one, bytes) else one for one in values]
        outputs.append(output)
    said = {"model_name": response.model_name, "model_version": response.model_version, "outputs": outputs}
    text = json.dumps({"id": response.id, **said} if response.id else said).encode()
    if not behind:
        return text, {"Content-Type": "application/json"}
    return text + behind, {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(text))}


def plain(message: Message) -> dict[str, Any]:
    """A message as JSON: with numbers as numbers, whatever their width."""
    return {field.name: _value(field, value) for field, value in message.ListFields()}


def _value(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {key: plain(one) if isinstance(one, Message) else one for key, one in value.items()}
    if field.is_repeated:
        return [_one(field, item) for item in value]
    return _one(field, value)


def _one(field: FieldDescriptor, value: Any) -> Any:
    if isinstance(value, Message):
        return plain(value)
    return field.enum_type.values_by_number[value].name if field.enum_type is not None else value


def _length(given: str, most: int) -> int:
    """How many bytes of a body are JSON."""
    if not given.isdecimal() or len(given) > len(str(most)) or int(given) > most:
        raise Refused(f"{HEADER_LENGTH} must be a number from 0 to {most}, the bytes of the body, not {given[:40]}")
    return int(given)


def _request(said: Mapping[str, Any], behind: bytes, model: str, version: str) -> ModelInferRequest:
    request = ModelInferRequest(model_name=model, model_version=version, id=said.get("id", ""))
    for given in said["inputs"]:
        if any(size < 0 for size in given["shape"]):
            raise ValueError(f"shape {given['shape']} is below 0")
        request.inputs.add(name=given["name"], datatype=given["datatype"], shape=given["shape"])
        size = given.get("parameters", {}).get("binary_data_size")
        if size is None:
            request.raw_input_contents.append(_packed(given))
        else:
            if size < 0:
                raise ValueError(f"binary_data_size {size} is below 0")
            request.raw_input_contents.append(behind[:size])
            behind = behind[size:]
    if behind:
        raise Refused(f"{len(behind)} bytes behind the JSON are of no input: see binary_data_size")
    for output in said.get("outputs", ()):
        wanted = request.outputs.add(name=output["name"])
        if "classification" in output.get("parameters", {}):
            wanted.parameters["classification"].int64_param = output["parameters"]["classification"]
    return request


def _packed(given: Mapping[str, Any]) -> bytes:
    if given["datatype"] == "BYTES":
        values = np.array(given["data"], np.object_).ravel()
        return raw(np.array([one.encode() for one in values], np.object_).reshape(given["shape"]))
    values = np.array(given["data"]).reshape(given["shape"])
    if given["datatype"].startswith("UINT") and values.size and (values.dtype.kind not in "iu" or values.min() < 0):
        raise ValueError(f"data of input {given['name']} are not whole numbers from 0 on")
    return raw(values.astype(triton_to_np_dtype(given["datatype"])))


def _wanted(said: Mapping[str, Any]) -> Wanted:
    asked = {one["name"]: one.get("parameters", {}).get("binary_data") for one in said.get("outputs", ())}
    return Wanted(
        {name: bool(binary) for name, binary in asked.items() if binary is not None},
        bool(said.get("parameters", {}).get("binary_data_output", False)),
    )
