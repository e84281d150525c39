"""What a source of examples is, and what all sources share. Implemented by the files beside it, used by prepare."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lepton.errors import LeptonError
from lepton.spec.reasons import Reason

Raw = bytes | npt.NDArray[np.uint8] | ValueError
"""One example as it lies in the source: an encoded image, pixels (height, width, channels), or why it can't be read."""

MOST_BYTES = 256 * 2**20
"""A larger image file is refused unread."""


class Source(Protocol):
    """Examples that can be listed cheaply and read by row. Rows are in an order that listing can't change."""

    @property
    def names(self) -> Sequence[str]:
        """Where each example lies in the source, for people and for a choice that is the same every time."""

    @property
    def labels(self) -> Sequence[str]:
        """The class of each example."""

    def read(self, rows: Sequence[int]) -> Iterator[Raw]:
        """The examples of these rows, one at a time; may be called from several threads."""


def invalid(problem: str) -> LeptonError:
    """The error for data that is there but can't be used."""
    return LeptonError(Reason.DATA_INVALID, f"data.uri: {problem}")
