"""The metrics that are one figure for the whole model, by the name of their field in `report.Evaluation`.

Used by evaluate.run. Precision, recall and F1 are figures of each class and come together from one call.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lepton.evaluate.metrics.accuracy import accuracy, resampled_accuracy
from lepton.evaluate.metrics.calibration_error import calibration_error, resampled_calibration_error
from lepton.evaluate.metrics.roc_auc import resampled_roc_auc, roc_auc
from lepton.evaluate.sample import Counts, Figures, Sample


@dataclass(frozen=True)
class Metric:
    """One figure, and the same figure of every resample."""

    value: Callable[[Sample], float | None]
    """None where the sample leaves it undefined."""
    resampled: Callable[[Sample, Counts], Figures]
    """[resamples]; NaN where a resample leaves it undefined."""


METRICS = {
    "accuracy": Metric(accuracy, resampled_accuracy),
    "roc_auc": Metric(roc_auc, resampled_roc_auc),
    "calibration_error": Metric(calibration_error, resampled_calibration_error),
}
