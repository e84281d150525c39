"""The examples that every metric looks at, and the bootstrap that says how sure a figure is.

A bootstrap resample is nothing but a count for each example: how often it was drawn. So all resamples together are one
array of counts, and a metric answers for all of them at once instead of being called a thousand times.
Used by evaluate.run and the metrics. Holds no torch: the gate's job imports this too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.uint16]
"""[examples, resamples]: how often each example was drawn in each resample."""
Figures = NDArray[np.float64]
"""[resamples] or [classes, resamples]; NaN where a resample leaves the figure undefined."""

_CELLS_AT_ONCE = 20_000_000  # bounds the memory of one array of counts to 40 MB


@dataclass(frozen=True)
class Sample:
    """Answers of a model beside the truth."""

    probabilities: NDArray[np.float64]
    """[examples, classes], each row adds up to 1."""
    labels: NDArray[np.int64]
    """[examples], the index of the true class."""

    @cached_property
    def answers(self) -> NDArray[np.int64]:
        """[examples], the index of the likeliest class."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def num_classes(self) -> int:
        """How many classes there are, whether or not an example shows them."""
        return self.probabilities.shape[1]

    @property
    def as_drawn(self) -> Counts:
        """The one resample that is the sample itself: each example once."""
        return np.ones((len(self.labels), 1), dtype=np.uint16)


def bootstrap(num_examples: int, resamples: int, seed: int) -> Iterator[Counts]:
    """Draw resamples with replacement (Efron 1979), in pieces that fit the memory; equal seeds, equal draws."""
    random = np.random.default_rng(seed)
    piece = max(1, min(resamples, _CELLS_AT_ONCE // num_examples))
    for start in range(0, resamples, piece):
        width = min(piece, resamples - start)
        drawn = random.integers(num_examples, size=(num_examples, width), dtype=np.int32).astype(np.int64)
        flat = drawn * width + np.arange(width)
        counts = np.bincount(flat.reshape(-1), minlength=num_examples * width)
        yield counts.reshape(num_examples, width).astype(np.uint16)
