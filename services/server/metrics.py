"""Counts what a served model predicts, for Triton's own /metrics. Packed beside model.py, which calls it.

A call into Triton's metrics takes some 16 microseconds and a prediction would need a dozen, so predictions are only
noted on the hot path (0.04); a thread sums them up and reports about each second. Triton's own histograms take one
call for every observation, hence cumulative `_bucket` counters with `le`, which PromQL reads just the same.
"""

import threading
from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found]  # Triton brings it

SECONDS_BETWEEN_REPORTS = 1.0
BUCKETS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, float("inf"))
FAMILIES = {
    "lepton_predictions_total": "Predictions by class",
    "lepton_prediction_confidence_bucket": "Predictions whose likeliest class has at most this probability",
    "lepton_prediction_confidence_sum": "Sum of the likeliest class's probability over all predictions",
    "lepton_prediction_confidence_count": "Predictions",
    "lepton_bad_inputs_total": "Requests refused because their input could not be read",
}


class Metrics:
    """The counters of one instance; the instances of a model add up in Triton."""

    def __init__(self, model: str, classes: Sequence[str]) -> None:
        self._families = {
            name: pb_utils.MetricFamily(name=name, description=description, kind=pb_utils.MetricFamily.COUNTER)
            for name, description in FAMILIES.items()
        }
        self._counters = [
            self._families[name].Metric(labels={"model": model, **labels}) for name, labels in _series(classes)
        ]
        self._num_classes = len(classes)
        self._noted: deque[npt.NDArray[np.float32]] = deque()
        self._bad_inputs = 0
        self._bad_inputs_reported = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._report_each_second, name="metrics", daemon=True)
        self._thread.start()

    def note(self, probabilities: npt.NDArray[np.float32]) -> None:
        """Remember answers [batch, classes] until the next report."""
        self._noted.append(probabilities)

    def note_bad_input(self) -> None:
        """Remember a refused request until the next report."""
        self._bad_inputs += 1

    def close(self) -> None:
        """Report what is left and stop."""
        self._stop.set()
        self._thread.join()

    def _report_each_second(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN_REPORTS):
            self._report()
        self._report()

    def _report(self) -> None:
        noted = [self._noted.popleft() for _ in range(len(self._noted))]
        bad_inputs = self._bad_inputs
        amounts = [*_summary(noted, self._num_classes), float(bad_inputs - self._bad_inputs_reported)]
        self._bad_inputs_reported = bad_inputs
        for counter, amount in zip(self._counters, amounts, strict=True):
            if amount:
                counter.increment(amount)


def _series(classes: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Name and labels of every counter, in the order of the amounts that are added to them."""
    return [
        *(("lepton_predictions_total", {"class": name}) for name in classes),
        *(("lepton_prediction_confidence_bucket", {"le": "+Inf" if np.isinf(le) else str(le)}) for le in BUCKETS),
        ("lepton_prediction_confidence_sum", {}),
        ("lepton_prediction_confidence_count", {}),
        ("lepton_bad_inputs_total", {}),
    ]


def _summary(noted: Sequence[npt.NDArray[np.float32]], num_classes: int) -> list[float]:
    """Predictions per class, at most each bucket's bound, their sum, their count."""
    if not noted:
        return [0.0] * (num_classes + len(BUCKETS) + 2)
    probabilities = np.concatenate(noted)
    confidence = probabilities.max(axis=1)
    per_class = np.bincount(probabilities.argmax(axis=1), minlength=num_classes)
    per_bucket = (confidence[:, None] <= np.array(BUCKETS, np.float32)).sum(axis=0)
    return [*per_class.astype(float), *per_bucket.astype(float), float(confidence.sum()), float(len(confidence))]
