"""Accuracy: the share of examples whose likeliest class is the true one, in percent."""

from sklearn.metrics import accuracy_score

from lepton.evaluate.metrics.confusion import resampled_cells
from lepton.evaluate.sample import Counts, Figures, Sample


def accuracy(sample: Sample) -> float:
    """Percent of the sample itself."""
    return 100.0 * float(accuracy_score(sample.labels, sample.answers))


def resampled_accuracy(sample: Sample, counts: Counts) -> Figures:
    """Percent, [resamples]. Every resample holds as many examples as the sample."""
    true, answered, totals = resampled_cells(sample, counts)
    right: Figures = totals[true == answered].sum(axis=0) * (100.0 / len(sample.labels))
    return right
