"""Area under the ROC curve, one class against the rest, macro average, 0 to 1.

The value is scikit-learn's. For the interval it would sort a thousand times, fifteen seconds for 10,000 examples. The
area is the chance that an example of the class gets a higher score than one of the rest, ties counting half (Hanley
and McNeil 1982): sorted once, cumulative counts give that for all resamples. A test holds the two equal.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from lepton.evaluate.sample import Counts, Figures, Sample


def roc_auc(sample: Sample) -> float | None:
    """The area of the sample itself; None where a class has no example, or no example is of another class."""
    present = np.unique(sample.labels)
    if len(present) < max(2, sample.num_classes):
        return None
    areas = [roc_auc_score(sample.labels == index, sample.probabilities[:, index]) for index in present]
    return float(np.mean(areas))


def resampled_roc_auc(sample: Sample, counts: Counts) -> Figures:
    """[resamples]: the mean over the classes that have examples within and without; NaN where none has."""
    present = np.unique(sample.labels)
    areas = np.stack([_against_the_rest(sample.probabilities[:, i], sample.labels == i, counts) for i in present])
    defined = ~np.isnan(areas)
    total, number = np.where(defined, areas, 0.0).sum(axis=0), defined.sum(axis=0)
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)


def _against_the_rest(scores: NDArray[np.float64], inside: NDArray[np.bool_], counts: Counts) -> Figures:
    rest = np.flatnonzero(~inside)
    rest = rest[np.argsort(scores[rest])]
    below = np.zeros((len(rest) + 1, counts.shape[1]), dtype=np.uint32)
    np.cumsum(counts[rest], axis=0, out=below[1:])
    lower = np.searchsorted(scores[rest], scores[inside], side="left")
    lower_or_equal = np.searchsorted(scores[rest], scores[inside], side="right")
    wins = np.zeros(counts.shape[1])
    for count, start, end in zip(counts[inside], lower, lower_or_equal, strict=True):
        wins += count * ((below[start] + below[end]) / 2)
    pairs = counts[inside].sum(axis=0, dtype=np.float64) * below[-1]
    return np.divide(wins, pairs, out=np.full(wins.shape, np.nan), where=pairs > 0)
