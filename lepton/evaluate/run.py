"""How good a model is on labelled examples, and how sure that is. Called by the gate; it never loads torch.

Every figure comes with a 95 % interval: the 2.5th and the 97.5th percentile over 1,000 bootstrap resamples.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from lepton.evaluate.metrics.confusion import confusion
from lepton.evaluate.metrics.precision_recall_f1 import PerClass, precision_recall_f1
from lepton.evaluate.registry import METRICS
from lepton.evaluate.sample import Figures, Sample, bootstrap
from lepton.report import Evaluation, Interval

RESAMPLES = 1_000


def evaluate(probabilities: ArrayLike, labels: ArrayLike, classes: Sequence[str], seed: int = 0) -> Evaluation:
    """Measure the answers `probabilities` [examples, classes] against `labels` [examples], indices into `classes`.

    A figure that the examples leave undefined, such as the recall of a class without any, is 0; resamples that leave
    it undefined are left out of its interval. `roc_auc` is None where a class has no example. ValueError where the
    shapes do not fit or there is no example.
    """
    sample = Sample(np.asarray(probabilities, dtype=np.float64), np.asarray(labels, dtype=np.int64))
    if not len(sample.labels) or sample.probabilities.shape != (len(sample.labels), len(classes)):
        given = f"{sample.probabilities.shape} for {len(sample.labels)} labels and {len(classes)} classes"
        raise ValueError(f"probabilities must be [examples, classes] with at least one example, not {given}")
    own = precision_recall_f1(sample, sample.as_drawn)
    drawn, figures = _resampled(sample, seed)
    scalars = {
        name: _interval(value, figures[name])
        for name, metric in METRICS.items()
        if (value := metric.value(sample)) is not None
    }
    return Evaluation(
        examples=len(sample.labels),
        accuracy=scalars["accuracy"],
        macro_f1=_interval(float(own.macro_f1[0]), drawn.macro_f1),
        roc_auc=scalars.get("roc_auc"),
        calibration_error=scalars["calibration_error"],
        precision=_intervals(classes, own.precision, drawn.precision),
        recall=_intervals(classes, own.recall, drawn.recall),
        f1=_intervals(classes, own.f1, drawn.f1),
        confusion=confusion(sample),
    )


def _resampled(sample: Sample, seed: int) -> tuple[PerClass, dict[str, Figures]]:
    per_class: list[PerClass] = []
    scalars: dict[str, list[Figures]] = {name: [] for name in METRICS}
    for counts in bootstrap(len(sample.labels), RESAMPLES, seed):
        per_class.append(precision_recall_f1(sample, counts))
        for name, metric in METRICS.items():
            scalars[name].append(metric.resampled(sample, counts))
    joined = PerClass(*(np.concatenate(pieces, axis=1) for pieces in zip(*per_class, strict=True)))
    return joined, {name: np.concatenate(pieces) for name, pieces in scalars.items()}


def _intervals(classes: Sequence[str], own: Figures, drawn: Figures) -> dict[str, Interval]:
    values = np.nan_to_num(own[:, 0])
    return {name: _interval(float(value), row) for name, value, row in zip(classes, values, drawn, strict=True)}


def _interval(value: float, drawn: Figures) -> Interval:
    defined = drawn[~np.isnan(drawn)]
    if not len(defined):
        return Interval(value=value, low=value, high=value)
    low, high = np.percentile(defined, (2.5, 97.5))
    return Interval(value=value, low=float(low), high=float(high))
