"""`sklearn://digits`: 1,797 handwritten digits of 8x8 pixels that come with scikit-learn, so no network is needed."""

from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.datasets import load_digits

from lepton.train.data.sources.base import Raw


class Digits:
    """The digits with their 17 shades of grey scaled to 0..255."""

    def __init__(self) -> None:
        images, labels = load_digits(return_X_y=True)
        self._images = np.rint(images.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
        self.labels = [str(label) for label in labels]
        self.names = [f"row {row}" for row in range(len(labels))]

    def read(self, rows: Sequence[int]) -> Iterator[Raw]:
        """Pixels (8, 8, 1) of each row."""
        return (self._images[row] for row in rows)
