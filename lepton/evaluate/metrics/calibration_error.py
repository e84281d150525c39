"""Expected calibration error (Guo et al. 2017, arXiv:1706.04599): how far confidence is from accuracy, 0 to 1.

Answers are put into 15 bins of equal width by confidence; the error is the mean over the bins, weighted by their
examples, of the distance between mean confidence and accuracy. The two come from scikit-learn's calibration_curve;
torchmetrics has the whole formula, but a gate job would load torch for it. A test holds all of them equal.
"""

import numpy as np
from sklearn.calibration import calibration_curve

from lepton.evaluate.sample import Counts, Figures, Sample

_BINS = 15
_EDGES = np.linspace(0, 1, _BINS + 1)


def calibration_error(sample: Sample) -> float:
    """The error of the sample itself."""
    confidence = _confidence(sample)
    accuracy, mean_confidence = calibration_curve(sample.answers == sample.labels, confidence, n_bins=_BINS)
    examples = np.bincount(np.searchsorted(_EDGES[1:-1], confidence))
    return float(np.average(np.abs(accuracy - mean_confidence), weights=examples[examples > 0]))


def resampled_calibration_error(sample: Sample, counts: Counts) -> Figures:
    """[resamples]. In a bin, examples times distance is the sum of confidence minus rightness."""
    confidence = _confidence(sample)
    surplus = confidence - (sample.answers == sample.labels)
    in_bin = np.searchsorted(_EDGES[1:-1], confidence)
    gaps = [surplus[in_bin == index] @ counts[in_bin == index] for index in np.unique(in_bin)]
    return np.asarray(np.abs(gaps).sum(axis=0) / len(sample.labels))


def _confidence(sample: Sample) -> Figures:
    # A softmax in float32 may add up to a little more than 1.
    return np.asarray(np.clip(sample.probabilities.max(axis=1), 0.0, 1.0))
