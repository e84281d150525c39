"""Every budget against what was measured: the figure, the verdict and the sentence."""

import pytest

from lepton.gate.checks.measured import Measured
from lepton.gate.checks.registry import CHECKS, check_all
from lepton.report import CheckResult, Endpoint, Evaluation, Interval, Latency
from lepton.spec.gate import Gate

Confusion = tuple[tuple[int, ...], ...]
CONFUSION: Confusion = ((96, 2, 2), (5, 45, 0), (1, 0, 49))
"""Of cat, dog and bat: 190 of 200 are right, and half of them are cats."""


def around(value: float) -> Interval:
    return Interval(value=value, low=value - 1, high=value + 1)


def endpoint(accuracy: float = 95.0, confusion: Confusion = CONFUSION, **changes: object) -> Endpoint:
    shares = {"cat": around(96.0), "dog": around(90.0), "bat": around(90.0)}
    plain = {
        "variant": "2-quantize",
        "evaluation": Evaluation(
            examples=200,
            accuracy=around(accuracy),
            macro_f1=around(94.0),
            roc_auc=None,
            calibration_error=around(0.02),
            precision=shares,
            recall=shares,
            f1=shares,
            confusion=confusion,
        ),
        "http": Latency(p50_ms=0.4, p99_ms=1.5),
        "grpc": Latency(p50_ms=0.6, p99_ms=9.0),
        "cpu_seconds_per_1000": 0.3,
        "size_bytes": 3 * 2**20 // 2,
    }
    return Endpoint.model_validate({**plain, **changes})


def measured(accuracy: float = 95.0, before: float = 96.0, loaded: str = "sha256:1", differences: int = 0) -> Measured:
    return Measured(endpoint(accuracy), endpoint(before), "sha256:1", loaded, differences)


def passed(name: str, measured: float | str, allowed: float | str, message: str) -> CheckResult:
    return CheckResult(name=name, measured=measured, allowed=allowed, passed=True, message=message)


IDENTITY = (
    passed("digest", "sha256:1", "sha256:1", "the server loaded the files that the build made"),
    passed("protocols", 0, 0, "HTTP and gRPC gave the same label for all 200 examples"),
)
LEARNT = passed("largestClass", 95.0, 50.0, "accuracy is 95 %, always naming the largest class (cat) gives 50 %")
DROP = passed("maxAccuracyDrop", 1.0, 2.0, "accuracy fell by 1 points (from 96 to 95 %), at most 2 allowed")


def test_without_budgets_identity_learning_and_the_drop_are_checked_and_nothing_else() -> None:
    assert check_all(measured(), Gate()) == (*IDENTITY, LEARNT, DROP)


GUESSES: dict[str, tuple[Confusion, bool]] = {
    "one example more than by naming the largest class": (((100, 0, 0), (49, 1, 0), (50, 0, 0)), True),
    "the largest class is named every time": (((100, 0, 0), (50, 0, 0), (50, 0, 0)), False),
    "as many are right by other answers": (((50, 50, 0), (0, 50, 0), (50, 0, 0)), False),
    "the classes are mixed up": (((0, 100, 0), (50, 0, 0), (0, 50, 0)), False),
    "all held-out examples are of one class, and all are right": (((200, 0, 0), (0, 0, 0), (0, 0, 0)), True),
    "all held-out examples are of one class, and one is wrong": (((199, 1, 0), (0, 0, 0), (0, 0, 0)), False),
}


@pytest.mark.parametrize("case", GUESSES)
def test_a_candidate_must_be_better_than_always_naming_the_largest_class(case: str) -> None:
    confusion, passed = GUESSES[case]
    accuracy = sum(row[place] for place, row in enumerate(confusion)) / 2
    share = sum(confusion[0]) / 2
    mend = "" if passed else ": train longer, give more examples, or look at the labels"
    seen = Measured(endpoint(accuracy, confusion), endpoint(), "sha256:1", "sha256:1", 0)
    (result,) = (one for one in check_all(seen, Gate()) if one.name == "largestClass")
    assert result == CheckResult(
        name="largestClass",
        measured=accuracy,
        allowed=share,
        passed=passed,
        message=f"accuracy is {accuracy:.4g} %, always naming the largest class (cat) gives {share:.4g} %{mend}",
    )


CASES: dict[str, tuple[Measured, dict[str, float], CheckResult]] = {
    "too much accuracy lost": (
        measured(93.0, 96.125),
        {},
        CheckResult(
            name="maxAccuracyDrop",
            measured=3.125,
            allowed=2.0,
            passed=False,
            message="accuracy fell by 3.125 points (from 96.12 to 93 %), at most 2 allowed: "
            "raise gate.maxAccuracyDrop, train longer, or compress less",
        ),
    ),
    "accuracy gained counts as no loss": (
        measured(97.0, 96.0),
        {"maxAccuracyDrop": 0},
        CheckResult(
            name="maxAccuracyDrop",
            measured=-1.0,
            allowed=0,
            passed=True,
            message="accuracy rose by 1 points (from 96 to 97 %), at most 0 allowed",
        ),
    ),
    "accuracy exactly as asked": (
        measured(),
        {"minAccuracy": 95},
        CheckResult(
            name="minAccuracy", measured=95.0, allowed=95, passed=True, message="accuracy is 95 %, at least 95 % asked"
        ),
    ),
    "accuracy below what is asked": (
        measured(),
        {"minAccuracy": 95.5},
        CheckResult(
            name="minAccuracy",
            measured=95.0,
            allowed=95.5,
            passed=False,
            message="accuracy is 95 %, at least 95.5 % asked: "
            "lower gate.minAccuracy, train longer, give more examples, or compress less",
        ),
    ),
    "macro F1 below what is asked": (
        measured(),
        {"minMacroF1": 94.5},
        CheckResult(
            name="minMacroF1",
            measured=94.0,
            allowed=94.5,
            passed=False,
            message="macro F1 is 94 %, at least 94.5 % asked: "
            "lower gate.minMacroF1, train longer, give more examples, or compress less",
        ),
    ),
    "the worst class is named": (
        measured(),
        {"minRecallPerClass": 92},
        CheckResult(
            name="minRecallPerClass",
            measured=90.0,
            allowed=92,
            passed=False,
            message="recall of class bat is 90 %, at least 92 % asked: "
            "lower gate.minRecallPerClass, train longer, give more examples, or compress less",
        ),
    ),
    "the median over HTTP within its budget": (
        measured(),
        {"maxP50Ms": 0.5},
        CheckResult(
            name="maxP50Ms",
            measured=0.4,
            allowed=0.5,
            passed=True,
            message="the median answer took 0.4 ms, at most 0.5 ms allowed",
        ),
    ),
    "slow answers over HTTP": (
        measured(),
        {"maxP99Ms": 1},
        CheckResult(
            name="maxP99Ms",
            measured=1.5,
            allowed=1,
            passed=False,
            message="99 of 100 answers took up to 1.5 ms, at most 1 ms allowed: "
            "raise gate.maxP99Ms, choose a smaller model, or compress more",
        ),
    ),
    "a file too large": (
        measured(),
        {"maxSizeMiB": 1},
        CheckResult(
            name="maxSizeMiB",
            measured=1.5,
            allowed=1,
            passed=False,
            message="the model file is 1.5 MiB, at most 1 MiB allowed: "
            "raise gate.maxSizeMiB, choose a smaller model, or compress more",
        ),
    ),
    "other files loaded than built": (
        measured(loaded="sha256:2"),
        {},
        CheckResult(
            name="digest",
            measured="sha256:2",
            allowed="sha256:1",
            passed=False,
            message="the server loaded sha256:2, the build made sha256:1: change the spec to build anew",
        ),
    ),
    "another answer over gRPC": (
        measured(differences=3),
        {},
        CheckResult(
            name="protocols",
            measured=3,
            allowed=0,
            passed=False,
            message="HTTP and gRPC gave different labels for 3 of 200 examples: a defect of Lepton's, report it",
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_budget_is_checked(case: str) -> None:
    seen, budgets, expected = CASES[case]
    (result,) = (one for one in check_all(seen, Gate.model_validate(budgets)) if one.name == expected.name)
    assert result == expected


def test_every_budget_that_a_spec_can_hold_is_checked() -> None:
    budgets = {field.alias or name: 50.0 for name, field in Gate.model_fields.items()}
    names = {result.name for result in check_all(measured(), Gate.model_validate(budgets))}
    assert names == {*budgets, "digest", "protocols", "largestClass"}
    assert len(CHECKS) == len(names)
