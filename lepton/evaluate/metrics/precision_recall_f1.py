"""Precision, recall and F1 of each class in percent: scikit-learn's formulas, for all resamples in one call.

scikit-learn takes weighted examples and any number of labels. So a cell of a resample's confusion matrix is given to it
as one example that weighs as much as the cell counts, and class c of resample r as label r * classes + c: labels of
different resamples never meet, and one call answers for every class of every resample.
"""

from typing import NamedTuple

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from lepton.evaluate.metrics.confusion import resampled_cells
from lepton.evaluate.sample import Counts, Figures, Sample


class PerClass(NamedTuple):
    """Percent, each [classes, resamples]. NaN where a resample leaves the figure undefined: it has no answer of the
    class (precision), no example of it (recall), or neither (F1)."""

    precision: Figures
    recall: Figures
    f1: Figures

    @property
    def macro_f1(self) -> Figures:
        """Mean F1 over the classes that a resample shows or that were answered, [resamples]."""
        return np.asarray(np.nanmean(self.f1, axis=0))


def precision_recall_f1(sample: Sample, counts: Counts) -> PerClass:
    """The three figures of every class in every resample."""
    true, answered, totals = resampled_cells(sample, counts)
    resamples = totals.shape[1]
    offset = np.arange(resamples) * sample.num_classes
    figures = precision_recall_fscore_support(
        (true[:, None] + offset).reshape(-1),
        (answered[:, None] + offset).reshape(-1),
        labels=np.arange(resamples * sample.num_classes),
        sample_weight=totals.reshape(-1),
        zero_division=np.nan,
    )
    precision, recall, f1 = (100.0 * figure.reshape(resamples, sample.num_classes).T for figure in figures[:3])
    return PerClass(precision, recall, f1)
