"""Asks the served model over the Open Inference Protocol v2, HTTP or gRPC. Knows nothing of files or tables."""

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from pydantic import JsonValue

from lepton.cli.errors import CommandError
from lepton.cli.predict.inputs import Item, Tensor
from lepton.spec.status import EndpointAddress, Protocol

OUTPUTS = ("label", "probability", "top_k_labels", "top_k_probabilities")
_TIMEOUT_S = 60.0
_NO_ANSWER = ("UNAVAILABLE", "DEADLINE_EXCEEDED")


@dataclass(frozen=True)
class Answer:
    """What the model says about one input."""

    name: str
    label: str
    probability: float
    """Share, 0 to 1."""
    top: tuple[tuple[str, float], ...]
    """The likeliest classes with their shares, best first."""
    milliseconds: float
    """From sending the request to having the answer."""
    folder: str | None = None

    def to_json(self, top_k: int | None) -> dict[str, JsonValue]:
        """The answer for programs, with at most `top_k` of the likeliest classes."""
        return {
            "input": self.name,
            "label": self.label,
            "probability": round(self.probability, 6),
            "topK": [{"label": label, "probability": round(share, 6)} for label, share in self.top[:top_k]],
            "milliseconds": round(self.milliseconds, 3),
        }


class Client:
    """One connection to one model. Both protocols' clients of tritonclient share their interface."""

    def __init__(self, address: EndpointAddress, protocol: Protocol) -> None:
        self._module: Any = importlib.import_module(f"tritonclient.{protocol}")
        self._utils: Any = importlib.import_module("tritonclient.utils")
        self._address = address.host(protocol)
        self._model = address.model
        self._protocol = protocol
        limits = {"connection_timeout": _TIMEOUT_S, "network_timeout": _TIMEOUT_S} if protocol == "http" else {}
        self._client: Any = self._module.InferenceServerClient(url=self._address, **limits)
        self._limits: dict[str, float] = {"client_timeout": _TIMEOUT_S} if protocol == "grpc" else {}

    def __enter__(self) -> Self:
        """Use it in a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._client.close()

    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images that the model sees. Raises CommandError."""
        as_json = {"as_json": True} if self._protocol == "grpc" else {}
        metadata = self._call(lambda: self._client.get_model_metadata(self._model, **as_json, **self._limits))
        image = next(tensor for tensor in metadata["inputs"] if tensor["name"] == "image")
        height, width, channels = (int(side) for side in image["shape"][-3:])
        return height, width, channels

    def ask(self, item: Item) -> Answer:
        """Send one request. Raises CommandError with the server's own words when it refuses."""
        inputs = [self._input(name, tensor) for name, tensor in item.tensors.items()]
        outputs = [self._module.InferRequestedOutput(name) for name in OUTPUTS]
        began = time.perf_counter()
        result = self._call(lambda: self._client.infer(self._model, inputs, outputs=outputs, **self._limits))
        took = (time.perf_counter() - began) * 1000
        label, probability, labels, shares = (np.asarray(result.as_numpy(name)).ravel() for name in OUTPUTS)
        top = tuple((_text(name), float(share)) for name, share in zip(labels, shares, strict=True))
        return Answer(item.name, _text(label[0]), float(probability[0]), top, took, item.folder)

    def _input(self, name: str, tensor: Tensor) -> Any:
        value = self._module.InferInput(name, list(tensor.shape), self._utils.np_to_triton_dtype(tensor.dtype))
        value.set_data_from_numpy(tensor)
        return value

    def _call(self, request: Callable[[], Any]) -> Any:
        try:
            return request()
        except self._utils.InferenceServerException as error:
            if any(status in (error.status() or "") for status in _NO_ANSWER):
                raise self._unreachable() from error
            raise CommandError(f"the server refused: {error.message()}") from error
        except OSError as error:
            raise self._unreachable() from error

    def _unreachable(self) -> CommandError:
        return CommandError(
            f"nothing answers at {self._address} ({self._protocol}): `lepton up` starts Lepton, "
            f"`lepton get {self._model}` tells whether the model serves"
        )


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
