"""Plays Triton's python backend to the model code in every artifact, so that Ray Serve answers as Triton does.

That code imports `triton_python_backend_utils`; here this module is that, with what of it our code uses. The app loads
one model in each replica's process. What the model counts is kept for Prometheus as Triton would name it.
"""

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from google.protobuf import json_format
from prometheus_client import Gauge
from tritonclient.grpc.model_config_pb2 import ModelConfig

_NAME = "triton_python_backend_utils"
_VERSION = "1"


class Tensor:
    """One input or output of a model."""

    def __init__(self, name: str, array: npt.NDArray[Any]) -> None:
        self._name, self._array = name, array

    def name(self) -> str:
        """What the model calls it."""
        return self._name

    def as_numpy(self) -> npt.NDArray[Any]:
        """Its values; text as bytes."""
        return self._array


@dataclass(frozen=True)
class InferenceRequest:
    """What somebody asks: the methods are those that Triton gives to models."""

    id: str
    tensors: Sequence[Tensor]
    outputs: Sequence[str]

    def request_id(self) -> str:
        """As its sender called it; may be empty."""
        return self.id

    def inputs(self) -> Sequence[Tensor]:
        """Each of shape [n, ...], with the same n."""
        return self.tensors

    def requested_output_names(self) -> Sequence[str]:
        """What is to be answered."""
        return self.outputs


class TritonError:
    """Why a request is refused."""

    INVALID_ARG = "INVALID_ARGUMENT"

    def __init__(self, message: str, code: str) -> None:
        self.message, self.code = message, code


class InferenceResponse:
    """What a model answers to one request: tensors, or why there are none."""

    def __init__(self, output_tensors: Sequence[Tensor] = (), error: TritonError | None = None) -> None:
        self.tensors, self.error = output_tensors, error


class MetricFamily:
    """Counters of one name; of all replicas on a node together."""

    COUNTER = "counter"

    def __init__(self, name: str, description: str, kind: str = COUNTER) -> None:
        """`kind` is always COUNTER; the client would end the name of one in `_total`, hence a gauge that only grows."""
        self._gauge: Gauge | None = None
        self._name, self._description = name, description

    def Metric(self, labels: Mapping[str, str]) -> "Counter":  # noqa: N802 - as Triton calls it
        """The counter with these labels; the first one says which labels there are."""
        if self._gauge is None:
            names = list(labels)
            self._gauge = Gauge(self._name, self._description, names, registry=None, multiprocess_mode="sum")
        return Counter(self._gauge.labels(**labels))


class Counter:
    """One series."""

    def __init__(self, child: Gauge) -> None:
        self._child = child

    def increment(self, amount: float) -> None:
        """Add to it."""
        self._child.inc(amount)


class PythonModel(Protocol):
    """A model as Triton's python backend knows it."""

    def execute(self, requests: Sequence[InferenceRequest]) -> list[InferenceResponse]:
        """Answer all requests together."""

    def finalize(self) -> None:
        """Report what is left."""


def load(folder: Path, config: ModelConfig) -> PythonModel:
    """The model of an artifact's folder, warm. Raises what its code raises, in words, when it must not serve."""
    files = folder / _VERSION
    sys.modules[_NAME] = sys.modules[__name__]
    sys.path.insert(0, str(files))
    model: Any = importlib.import_module("model").TritonPythonModel()
    model.initialize(
        {
            "model_config": str(json_format.MessageToJson(config, preserving_proto_field_name=True)),
            "model_name": config.name,
            "model_repository": str(folder),
            "model_version": _VERSION,
        }
    )
    for sample in config.model_warmup:
        model.execute([zeros(config, sample.batch_size)])
    return model  # type: ignore[no-any-return]  # what the artifact itself defines


def zeros(config: ModelConfig, count: int, request_id: str = "") -> InferenceRequest:
    """A request of so many black images."""
    image = next(one for one in config.input if one.name == "image")
    array = np.zeros((count, *image.dims), np.uint8)
    return InferenceRequest(request_id, [Tensor("image", array)], [one.name for one in config.output])
