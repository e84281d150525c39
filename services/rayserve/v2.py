"""The Open Inference Protocol v2 as messages: what a request must be for a model, and how its answer is put. Pure.

Everything here is in terms of the gRPC messages; rest.py translates JSON to them and back. What Triton checks before it
asks a model is checked here, with the same outcome.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError, Message
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig, ModelInput, ModelOutput
from tritonclient.grpc.service_pb2 import (
    ModelInferRequest,
    ModelInferResponse,
    ModelMetadataResponse,
    ServerMetadataResponse,
)
from tritonclient.utils import deserialize_bytes_tensor, np_to_triton_dtype, serialize_byte_tensor, triton_to_np_dtype

from services.rayserve.backend import InferenceRequest, InferenceResponse, Tensor

M = TypeVar("M", bound=Message)

VERSION = "1"
"""Of every model: another one is another artifact."""
_EXTENSIONS = ["binary_tensor_data", "model_configuration"]
SERVER = ServerMetadataResponse(name="lepton", version=VERSION, extensions=_EXTENSIONS)
_CONTENTS = {"BYTES": "bytes_contents", "UINT8": "uint_contents"}


class Refused(Exception):  # noqa: N818 - the sender's error, not ours
    """What is wrong with a request, in words for its sender; `code` as gRPC names it."""

    def __init__(self, message: str, code: str = "INVALID_ARGUMENT") -> None:
        super().__init__(message)
        self.message, self.code = message, code


def parsed(kind: type[M], content: bytes) -> M:
    """The message of these bytes. Raises Refused where they are none."""
    message: M = kind()
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise Refused(f"failed to parse the request: it is no {kind.__name__}", "INTERNAL") from error
    return message


def require_model(config: ModelConfig, name: str, version: str) -> None:
    """Raise Refused where another model is asked for, or another version."""
    if name != config.name or version not in ("", VERSION):
        wanted = f"'{name}'" if version in ("", VERSION) else f"'{name}' version {version}"
        raise Refused(f"Request for unknown model: {wanted} is not found", "NOT_FOUND")


def metadata(config: ModelConfig) -> ModelMetadataResponse:
    """Names, types and shapes of what the model takes and gives."""
    return ModelMetadataResponse(
        name=config.name,
        versions=[VERSION],
        platform="python",
        inputs=[_described(config, one) for one in config.input],
        outputs=[_described(config, one) for one in config.output],
    )


def read(request: ModelInferRequest, config: ModelConfig) -> InferenceRequest:
    """What the request asks of the model. Raises Refused where it can't be asked so."""
    require_model(config, request.model_name, request.model_version)
    known = {one.name: one for one in config.input}
    if not request.inputs:
        raise Refused(f"expected 1 input for model '{config.name}', got none")
    tensors: list[Tensor] = []
    for place, given in enumerate(request.inputs):
        if any(given.name == before.name() for before in tensors):
            raise Refused(f"input '{given.name}' already exists in request")
        if given.name not in known:
            raise Refused(f"unexpected inference input '{given.name}' for model '{config.name}'")
        _require_shape(given, known[given.name], config)
        tensors.append(Tensor(given.name, _array(request, place)))
    if len({len(one.as_numpy()) for one in tensors}) > 1:
        raise Refused(f"all inputs for model '{config.name}' must hold as many images")
    return InferenceRequest(request.id, tensors, _outputs(request, config))


def response(request: InferenceRequest, answer: InferenceResponse, config: ModelConfig) -> ModelInferResponse:
    """The answer as a message. Raises Refused where the model refused."""
    if answer.error is not None:
        raise Refused(answer.error.message, answer.error.code)
    made = ModelInferResponse(model_name=config.name, model_version=VERSION, id=request.id)
    for tensor in answer.tensors:
        array = tensor.as_numpy()
        made.outputs.add(name=tensor.name(), datatype=np_to_triton_dtype(array.dtype), shape=array.shape)
        made.raw_output_contents.append(raw(array))
    return made


def raw(array: npt.NDArray[Any]) -> bytes:
    """A tensor's values as the protocol's bytes."""
    if array.dtype == np.object_:
        serialized = serialize_byte_tensor(array)
        return bytes(serialized.item()) if serialized.size else b""
    return array.tobytes()


def unraw(content: bytes, datatype: str, shape: Sequence[int]) -> npt.NDArray[Any]:
    """The values of a tensor of the protocol's bytes. Raises Refused where they are not those of this shape."""
    try:
        if datatype == "BYTES":
            return np.asarray(deserialize_bytes_tensor(content), np.object_).reshape(shape)
        return np.frombuffer(content, triton_to_np_dtype(datatype)).reshape(shape)
    except Exception as error:  # what is cut short fails in many ways
        raise Refused(f"{len(content)} bytes are no {datatype} tensor of shape {list(shape)}") from error


def num_images(request: InferenceRequest) -> int:
    """How much of a batch it takes."""
    return len(request.tensors[0].as_numpy())


def datatype_of(number: int) -> str:
    """A type of a model's configuration as the protocol calls it."""
    name = str(DataType.Name(number)).removeprefix("TYPE_")
    return "BYTES" if name == "STRING" else name


def _described(config: ModelConfig, tensor: ModelInput | ModelOutput) -> ModelMetadataResponse.TensorMetadata:
    shape = [-1, *tensor.dims]
    return ModelMetadataResponse.TensorMetadata(
        name=tensor.name, datatype=datatype_of(tensor.data_type), shape=shape if config.max_batch_size else tensor.dims
    )


def _require_shape(given: ModelInferRequest.InferInputTensor, wanted: ModelInput, config: ModelConfig) -> None:
    datatype, shape = datatype_of(wanted.data_type), list(given.shape)
    if given.datatype != datatype:
        what = f"inference input '{given.name}' data-type is '{given.datatype}'"
        raise Refused(f"{what}, but model '{config.name}' expects '{datatype}'")
    if len(shape) != 1 + len(wanted.dims) or shape[1:] != list(wanted.dims) or shape[0] < 1:
        expected = [-1, *wanted.dims]
        what = f"unexpected shape for input '{given.name}' for model '{config.name}'"
        raise Refused(f"{what}. Expected {expected}, got {shape}")
    if shape[0] > config.max_batch_size:
        raise Refused(f"inference request batch-size must be <= {config.max_batch_size} for '{config.name}'")


def _array(request: ModelInferRequest, place: int) -> npt.NDArray[Any]:
    given = request.inputs[place]
    if request.raw_input_contents:
        if len(request.raw_input_contents) != len(request.inputs):
            raise Refused(f"{len(request.inputs)} inputs with {len(request.raw_input_contents)} raw_input_contents")
        return unraw(request.raw_input_contents[place], given.datatype, given.shape)
    values = getattr(given.contents, _CONTENTS[given.datatype])
    try:
        return np.array(values, triton_to_np_dtype(given.datatype)).reshape(given.shape)
    except (ValueError, OverflowError) as error:
        raise Refused(f"input '{given.name}': {len(values)} values are not of shape {list(given.shape)}") from error


def _outputs(request: ModelInferRequest, config: ModelConfig) -> list[str]:
    known = [one.name for one in config.output]
    wanted = [one.name for one in request.outputs]
    if any("classification" in one.parameters for one in request.outputs):
        raise Refused("classification is not offered: ask for the outputs top_k_labels and top_k_probabilities")
    for name in wanted:
        if name not in known:
            raise Refused(f"unexpected inference output '{name}' for model '{config.name}'")
    return wanted or known
