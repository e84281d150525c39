"""One connection to one served model, over HTTP or gRPC, with the stock Triton client. The gate and `predict` use it.

It tells a server that refuses from one that does not answer, and leaves the words for a person to its callers. The
client takes long to import, so that is done when the first connection is made.
"""

import http.client
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lepton.spec.status import EndpointAddress, Protocol

TIMEOUT_S = 60.0
_NO_ANSWER = ("UNAVAILABLE", "DEADLINE_EXCEEDED")

Tensor = npt.NDArray[np.generic] | npt.NDArray[np.object_]


class EndpointError(Exception):
    """There is no answer; the text is what the client said, status and all."""


class Refused(EndpointError):  # noqa: N818 - what happened, not an error of ours
    """The server is there and refuses; `message` is in its own words."""

    def __init__(self, text: str, message: str) -> None:
        super().__init__(text)
        self.message = message


class Unreachable(EndpointError):  # noqa: N818 - what happened, not an error of ours
    """Nothing answers there, or not in time."""


class Connection:
    """One client of one model; not to be shared between threads. Both protocols' clients share their interface."""

    def __init__(self, address: EndpointAddress, protocol: Protocol) -> None:
        self._module: Any = importlib.import_module(f"tritonclient.{protocol}")
        self._utils: Any = importlib.import_module("tritonclient.utils")
        self._model = address.model
        over_grpc = protocol == "grpc"
        self._as_json = {"as_json": True} if over_grpc else {}
        self._limits = {"client_timeout": TIMEOUT_S} if over_grpc else {}
        limits = {} if over_grpc else {"connection_timeout": TIMEOUT_S, "network_timeout": TIMEOUT_S}
        self._client: Any = self._module.InferenceServerClient(url=address.host(protocol), **limits)

    def __enter__(self) -> Self:
        """Use it in a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def ask(self, tensors: Mapping[str, Tensor], outputs: Sequence[str]) -> Any:
        """One request; the answer's `as_numpy(output)` gives its tensors. Raises Refused or Unreachable."""
        inputs = [self._input(name, tensor) for name, tensor in tensors.items()]
        wanted = [self._module.InferRequestedOutput(name) for name in outputs]
        return self._call(lambda: self._client.infer(self._model, inputs, outputs=wanted, **self._limits))

    def metadata(self) -> Any:
        """Names, types and shapes of the model's inputs and outputs. Raises Refused or Unreachable."""
        return self._call(lambda: self._client.get_model_metadata(self._model, **self._as_json, **self._limits))

    def config(self) -> Any:
        """What the server says it loaded; over HTTP alone. Raises Refused or Unreachable."""
        return self._call(lambda: self._client.get_model_config(self._model))

    def _input(self, name: str, tensor: Tensor) -> Any:
        value = self._module.InferInput(name, list(tensor.shape), self._utils.np_to_triton_dtype(tensor.dtype))
        value.set_data_from_numpy(tensor)
        return value

    def _call(self, request: Callable[[], Any]) -> Any:
        try:
            return request()
        except self._utils.InferenceServerException as error:
            if any(status in (error.status() or "") for status in _NO_ANSWER):
                raise Unreachable(str(error)) from error
            raise Refused(str(error), error.message()) from error
        except (OSError, EOFError, http.client.HTTPException) as error:
            raise Unreachable(str(error)) from error
