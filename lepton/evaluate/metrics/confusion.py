"""Confusion matrix: rows are true classes, columns are answers. The other metrics on labels start from it."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from lepton.evaluate.sample import Counts, Sample


def confusion(sample: Sample) -> tuple[tuple[int, ...], ...]:
    """The matrix of the sample itself, [classes][classes]."""
    matrix = confusion_matrix(sample.labels, sample.answers, labels=range(sample.num_classes))
    return tuple(tuple(int(count) for count in row) for row in matrix)


def resampled_cells(sample: Sample, counts: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The cells that are not empty: true class [cells], answer [cells], and their counts [cells, resamples]."""
    cell = sample.labels * sample.num_classes + sample.answers
    order = np.argsort(cell, kind="stable")
    cells, starts = np.unique(cell[order], return_index=True)
    totals = np.add.reduceat(counts[order], starts, axis=0, dtype=np.int64)
    true, answered = np.divmod(cells, sample.num_classes)
    return true, answered, totals
