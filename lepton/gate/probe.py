"""Asks a live endpoint as any user would, with the stock Triton client, over HTTP or gRPC. Called by gate.run."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import tritonclient.grpc
import tritonclient.http

from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from lepton.spec.status import EndpointAddress, Protocol

CLIENTS = 4
TIMEOUT_S = 60.0

_MODULES: dict[Protocol, Any] = {"http": tritonclient.http, "grpc": tritonclient.grpc}
_DATA_TYPES = {"image": "UINT8", "image_bytes": "BYTES"}
_ERRORS = (tritonclient.http.InferenceServerException, OSError, EOFError)


@dataclass(frozen=True)
class Answers:
    """What an endpoint said: labels, object [examples], and float32 probabilities [examples, classes]."""

    labels: npt.NDArray[np.object_]
    probabilities: npt.NDArray[np.float32]


class Probe:
    """One client with one connection; not to be shared between threads."""

    def __init__(self, address: EndpointAddress, protocol: Protocol) -> None:
        self._module = _MODULES[protocol]
        self._address = address
        self._where = f"{address.model} at {address.http if protocol == 'http' else address.grpc}"
        limits = {"connection_timeout": TIMEOUT_S, "network_timeout": TIMEOUT_S} if protocol == "http" else {}
        self._client = self._module.InferenceServerClient(address.host(protocol), **limits)
        self._limits = {"client_timeout": TIMEOUT_S} if protocol == "grpc" else {}

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def ask(self, name: Literal["image", "image_bytes"], array: npt.NDArray[Any], outputs: Sequence[str]) -> Any:
        """One request: array is [n, height, width, channels] for `image`, [n, 1] of bytes for `image_bytes`.

        Returns the client's result. Raises LeptonError SERVER_UNAVAILABLE, whatever went wrong.
        """
        tensor = self._module.InferInput(name, list(array.shape), _DATA_TYPES[name])
        tensor.set_data_from_numpy(array)
        wanted = [self._module.InferRequestedOutput(output) for output in outputs]
        try:
            return self._client.infer(self._address.model, [tensor], outputs=wanted, **self._limits)
        except _ERRORS as error:
            raise _unavailable(self._where, error) from error

    def answers(self, name: Literal["image", "image_bytes"], array: npt.NDArray[Any]) -> Answers:
        """Label and probabilities of every image in one request."""
        result = self.ask(name, array, ("label", "probabilities"))
        return Answers(result.as_numpy("label").ravel(), result.as_numpy("probabilities"))


def ask_all(address: EndpointAddress, protocol: Protocol, images: Sequence[bytes], batch: int) -> Answers:
    """Send every encoded image, `batch` in a request, with a few clients at once. Raises LeptonError."""
    requests = [np.array(images[i : i + batch], np.object_)[:, None] for i in range(0, len(images), batch)]

    def one_client(own: Iterable[npt.NDArray[np.object_]]) -> list[Answers]:
        with closing(Probe(address, protocol)) as probe:
            return [probe.answers("image_bytes", request) for request in own]

    with ThreadPoolExecutor(CLIENTS) as pool:
        shares = list(pool.map(one_client, (requests[start::CLIENTS] for start in range(CLIENTS))))
    ordered = [shares[i % CLIENTS][i // CLIENTS] for i in range(len(requests))]
    return Answers(
        np.concatenate([answers.labels for answers in ordered]),
        np.concatenate([answers.probabilities for answers in ordered]),
    )


def model_config(address: EndpointAddress) -> dict[str, Any]:
    """What the server says it loaded. Raises LeptonError SERVER_UNAVAILABLE."""
    client = tritonclient.http.InferenceServerClient(address.host("http"))
    try:
        config: dict[str, Any] = client.get_model_config(address.model)
    except _ERRORS as error:
        raise _unavailable(f"{address.model} at {address.http}", error) from error
    finally:
        client.close()
    return config


def _unavailable(where: str, error: BaseException) -> LeptonError:
    message = f"{where} did not answer ({error}): see `lepton doctor`; the proof is tried again by itself"
    return LeptonError(Reason.SERVER_UNAVAILABLE, message)
