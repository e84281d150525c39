"""Asks a live endpoint as any user would, over HTTP or gRPC, with several clients at once. Called by gate.run."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lepton.endpoint import Connection, EndpointError
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from lepton.spec.status import EndpointAddress, Protocol

CLIENTS = 4


@dataclass(frozen=True)
class Answers:
    """What an endpoint said: labels, object [examples], and float32 probabilities [examples, classes]."""

    labels: npt.NDArray[np.object_]
    probabilities: npt.NDArray[np.float32]


class Probe:
    """One client with one connection; not to be shared between threads."""

    def __init__(self, address: EndpointAddress, protocol: Protocol) -> None:
        self._connection = Connection(address, protocol)
        self._where = f"{address.model} at {address.http if protocol == 'http' else address.grpc}"

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def ask(self, name: Literal["image", "image_bytes"], array: npt.NDArray[Any], outputs: Sequence[str]) -> Any:
        """One request: array is [n, height, width, channels] for `image`, [n, 1] of bytes for `image_bytes`.

        Returns the client's result. Raises LeptonError SERVER_UNAVAILABLE, whatever went wrong.
        """
        with _failures_in_words(self._where):
            return self._connection.ask({name: array}, outputs)

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
    with Connection(address, "http") as connection, _failures_in_words(f"{address.model} at {address.http}"):
        config: dict[str, Any] = connection.config()
    return config


@contextmanager
def _failures_in_words(where: str) -> Iterator[None]:
    """Turn every failure into one that another try may mend: a server that has just started refuses, too."""
    try:
        yield
    except EndpointError as error:
        message = f"{where} did not answer ({error}): see `lepton doctor`; the proof is tried again by itself"
        raise LeptonError(Reason.SERVER_UNAVAILABLE, message) from error
