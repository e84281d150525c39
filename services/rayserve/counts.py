"""Counts the requests of one replica for Prometheus, under the names that Triton has for them. The replica calls it.

Requests that are refused before the model is asked count for nothing, and those that the model refuses in words as
answered: so does Triton.
"""

import math
from collections import deque

import numpy as np
from prometheus_client import Gauge

from services.rayserve.backend import MetricFamily
from services.rayserve.v2 import VERSION

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
_WINDOW_S, _BETWEEN_S = 60.0, 1.0
"""Of the quantiles, and the least time between two updates of them."""
_MOST = 10_000
"""Requests that quantiles are of, at most."""


class Counts:
    """Time is given in seconds of one clock."""

    def __init__(self, model: str) -> None:
        labels = {"model": model, "version": VERSION}
        self._success = MetricFamily("nv_inference_request_success", "Requests answered").Metric(labels)
        self._failure = MetricFamily("nv_inference_request_failure", "Requests failed").Metric(labels)
        queued = MetricFamily("nv_inference_queue_duration_us", "Microseconds waited for a batch, summed up")
        self._queued_us = queued.Metric(labels)
        summary = Gauge(
            "nv_inference_request_summary_us",
            "Quantiles of the microseconds that a request took, over the last minute",
            [*labels, "quantile"],
            registry=None,
            multiprocess_mode="mostrecent",
        )
        self._quantiles = [summary.labels(**labels, quantile=str(one)) for one in QUANTILES]
        self._recent: deque[tuple[float, float]] = deque(maxlen=_MOST)
        self._told = -math.inf

    def answered(self, asked: float, begun: float, now: float) -> None:
        """Note a request: when it came, and when the model began with its batch."""
        self._success.increment(1)
        self._queued_us.increment((begun - asked) * 1e6)
        self._recent.append((now, (now - asked) * 1e6))
        if now - self._told >= _BETWEEN_S:
            self.tell(now)

    def failed(self) -> None:
        """Note a request that got no answer: by a defect, or because its caller went away."""
        self._failure.increment(1)

    def tell(self, now: float) -> None:
        """Work out the quantiles; they are no number where nobody asked for a minute."""
        self._told = now
        while self._recent and now - self._recent[0][0] > _WINDOW_S:
            self._recent.popleft()
        took = [us for _, us in self._recent]
        values = np.quantile(took, QUANTILES).tolist() if took else [math.nan] * len(QUANTILES)
        for gauge, value in zip(self._quantiles, values, strict=True):
            gauge.set(value)
