"""When a step pays."""

import pytest

from lepton.compress.comparison import Comparison
from lepton.compress.verdict import Measured, Verdict, excessive_drop, judge
from lepton.report import Latency

BEFORE = Measured("1-prune", accuracy=98.0, size_bytes=1000)
MS = Latency(p50_ms=1.0, p99_ms=2.0)
SAME, FASTER, SLOWER, NOISY = (
    Comparison(MS, MS, ratio, spread)
    for ratio, spread in ((1.0, (0.99, 1.01)), (0.5, (0.4, 0.6)), (1.5, (1.4, 1.6)), (0.8, (0.6, 1.3)))
)


@pytest.mark.parametrize(
    ("size", "accuracy", "comparison", "verdict"),
    [
        (250, 97.5, FASTER, Verdict(True, "kept: 4.0 times smaller and 2.0 times faster than 1-prune; {}")),
        (250, 97.5, SLOWER, Verdict(True, "kept: 4.0 times smaller than 1-prune (1.50 times the latency); {}")),
        (1500, 97.5, FASTER, Verdict(True, "kept: 2.0 times faster than 1-prune (1.50 times the size); {}")),
        (1000, 98.5, SAME, Verdict(True, "kept: more accurate and neither larger nor slower than 1-prune; {}")),
        (1000, 98.0, SAME, Verdict(False, "dropped: neither smaller nor faster than 1-prune; {}")),
        (995, 97.0, NOISY, Verdict(False, "dropped: neither smaller nor faster than 1-prune; {}")),
        (
            1000,
            99.0,
            SLOWER,
            Verdict(False, "dropped: neither smaller nor faster than 1-prune (1.50 times the latency); {}"),
        ),
        (
            1200,
            99.0,
            SAME,
            Verdict(False, "dropped: neither smaller nor faster than 1-prune (1.20 times the size); {}"),
        ),
    ],
    ids=[
        "smaller and faster",
        "smaller though slower",
        "faster though larger",
        "only more accurate",
        "the same",
        "faster within noise, smaller by a hair",
        "more accurate but slower",
        "more accurate but larger",
    ],
)
def test_a_step_pays_when_it_is_smaller_or_faster_or_better_for_nothing(
    size: int, accuracy: float, comparison: Comparison, verdict: Verdict
) -> None:
    figures = f"validation accuracy 98.00 -> {accuracy:.2f} %"
    expected = Verdict(verdict.kept, verdict.decision.format(figures))
    assert judge(BEFORE, Measured("2-quantize", accuracy, size), comparison) == expected


@pytest.mark.parametrize(
    ("accuracy", "sentence"),
    [
        (97.0, None),
        (99.0, None),
        (
            95.5,
            "dropped: it costs 2.50 points of validation accuracy (98.00 -> 95.50 %), "
            "more than gate.maxAccuracyDrop = 1 allows",
        ),
    ],
    ids=["just within the budget", "better than before", "over the budget"],
)
def test_a_step_may_cost_what_the_gate_allows(accuracy: float, sentence: str | None) -> None:
    assert excessive_drop(BEFORE, Measured("2-quantize", accuracy, 1), most=1) == sentence
