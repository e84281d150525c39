"""What a replica of Ray Serve counts of its requests."""

import math

import pytest
from prometheus_client import Gauge

from services.rayserve.counts import QUANTILES, Counts


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What was set last, by quantile."""
    values: dict[str, float] = {}
    monkeypatch.setattr(Gauge, "set", lambda gauge, value: values.update({gauge._labelvalues[-1]: value}))
    return values


def test_quantiles_are_those_of_the_last_minute(told: dict[str, float]) -> None:
    counts = Counts("pets")
    for number in range(100):
        counts.answered(0.0, 0.0, number / 1000)
    counts.tell(1.0)
    assert told == pytest.approx({str(one): one * 99_000 for one in QUANTILES})
    counts.tell(61.0)
    assert all(map(math.isnan, told.values()))


def test_they_are_worked_out_once_a_second_at_most(told: dict[str, float]) -> None:
    counts = Counts("pets")
    counts.answered(0.0, 0.0, 10.0)
    first = dict(told)
    counts.answered(10.0, 10.0, 10.9)
    assert told == first
    counts.answered(10.0, 10.0, 11.0)
    assert told != first
