"""A user who keeps asking a model over HTTP and gRPC and takes down every answer that was wrong or did not come."""

import threading
import time
from typing import Self

import numpy as np
import numpy.typing as npt

from lepton.endpoint import Connection, EndpointError
from lepton.spec.status import EndpointAddress, Protocol

Images = npt.NDArray[np.uint8]
PROTOCOLS: tuple[Protocol, ...] = ("http", "grpc")
BLACK: Images = np.zeros((1, 8, 8, 1), np.uint8)
_PAUSE_S = 0.05
_NEW_CONNECTION_AFTER = 20
"""Requests over one connection: both those who stay connected and those who come anew must be answered."""


class Caller:
    """Use it in a with statement."""

    def __init__(self, address: EndpointAddress) -> None:
        self.answers: dict[Protocol, int] = {"http": 0, "grpc": 0}
        self.errors: list[str] = []
        self._address = address
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, args=(protocol,)) for protocol in PROTOCOLS]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask_on(self, protocol: Protocol) -> None:
        while not self._stop.is_set():
            with Connection(self._address, protocol) as connection:
                for _ in range(_NEW_CONNECTION_AFTER):
                    self._ask(connection, protocol)
                    if self._stop.wait(_PAUSE_S):
                        return

    def _ask(self, connection: Connection, protocol: Protocol) -> None:
        try:
            labels(connection, BLACK)
        except EndpointError as error:
            self.errors.append(f"{time.strftime('%H:%M:%S')} {protocol}: {error}")
        else:
            self.answers[protocol] += 1


def answers(address: EndpointAddress) -> bool:
    """Whether a model answers over both protocols."""
    try:
        for protocol in PROTOCOLS:
            with Connection(address, protocol) as connection:
                labels(connection, BLACK)
    except EndpointError:
        return False
    return True


def labels(connection: Connection, images: Images) -> list[str]:
    """What the model takes the images for. Raises EndpointError."""
    answer = connection.ask({"image": images}, ["label"])
    return [said.decode() for said in answer.as_numpy("label")[:, 0]]
