"""Asks the served model over the Open Inference Protocol v2, HTTP or gRPC. Knows nothing of files or tables."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from lepton.cli.errors import CommandError
from lepton.cli.place import Asker
from lepton.cli.predict.inputs import Item
from lepton.endpoint import Refused, Unreachable

OUTPUTS = ("label", "probability", "top_k_labels", "top_k_probabilities")


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
    """What one connection to one model says, in words."""

    def __init__(self, connection: Asker, nobody: str) -> None:
        """`nobody`: the sentence for when there is no answer."""
        self._connection = connection
        self._nobody = nobody

    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images that the model sees. Raises CommandError."""
        with self._failures_in_words():
            metadata = self._connection.metadata()
        image = next(tensor for tensor in metadata["inputs"] if tensor["name"] == "image")
        height, width, channels = (int(side) for side in image["shape"][-3:])
        return height, width, channels

    def ask(self, item: Item) -> Answer:
        """Send one request. Raises CommandError with the server's own words when it refuses."""
        began = time.perf_counter()
        with self._failures_in_words():
            result = self._connection.ask(item.tensors, OUTPUTS)
        took = (time.perf_counter() - began) * 1000
        label, probability, labels, shares = (np.asarray(result.as_numpy(name)).ravel() for name in OUTPUTS)
        top = tuple((_text(name), float(share)) for name, share in zip(labels, shares, strict=True))
        return Answer(item.name, _text(label[0]), float(probability[0]), top, took, item.folder)

    @contextmanager
    def _failures_in_words(self) -> Iterator[None]:
        try:
            yield
        except Refused as error:
            raise CommandError(f"the server refused: {error.message}") from error
        except Unreachable as error:
            raise CommandError(self._nobody) from error


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
