"""`sklearn://digits`: 1,797 handwritten digits of 8x8 pixels that come with scikit-learn, so no network is needed.

The file is read as it lies in the installed scikit-learn, because importing that takes seconds.
"""

from collections.abc import Iterator, Sequence
from importlib.metadata import distribution

import numpy as np

from lepton.spec.data import DIGITS
from lepton.train.data.sources.base import Raw
from lepton.train.data.sources.location import failures_in_words

_FILE = "sklearn/datasets/data/digits.csv.gz"


class Digits:
    """The digits with their 17 shades of grey scaled to 0..255."""

    def __init__(self) -> None:
        with failures_in_words(DIGITS):
            path = distribution("scikit-learn").locate_file(_FILE)
            table = np.loadtxt(str(path), delimiter=",", dtype=np.uint8)
        self._images = np.rint(table[:, :64].reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
        self.labels = [str(label) for label in table[:, 64]]
        self.names = [f"row {row}" for row in range(len(table))]

    def read(self, rows: Sequence[int]) -> Iterator[Raw]:
        """Pixels (8, 8, 1) of each row."""
        return (self._images[row] for row in rows)
