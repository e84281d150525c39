"""Budgets on how good the candidate's answers are. In the list of lepton.gate.checks.registry; pure."""

from lepton.gate.checks.measured import Measured
from lepton.report import CheckResult
from lepton.spec.gate import Gate


def accuracy_drop(measured: Measured, gate: Gate) -> CheckResult:
    """What compression cost, in points of accuracy on the held-out examples; a gain counts as no drop."""
    before = measured.uncompressed.evaluation.accuracy.value
    after = measured.candidate.evaluation.accuracy.value
    drop, allowed = before - after, gate.max_accuracy_drop
    passed = drop <= allowed
    moved = "stayed" if drop == 0 else f"fell by {drop:.4g} points" if drop > 0 else f"rose by {-drop:.4g} points"
    what = f"accuracy {moved} (from {before:.4g} to {after:.4g} %), at most {allowed:g} allowed"
    mend = "" if passed else ": raise gate.maxAccuracyDrop, train longer, or compress less"
    return CheckResult(name="maxAccuracyDrop", measured=drop, allowed=allowed, passed=passed, message=what + mend)


def accuracy(measured: Measured, gate: Gate) -> CheckResult | None:
    """Accuracy in percent."""
    value = measured.candidate.evaluation.accuracy.value
    return _at_least("minAccuracy", "accuracy", value, gate.min_accuracy)


def macro_f1(measured: Measured, gate: Gate) -> CheckResult | None:
    """Macro F1 in percent."""
    value = measured.candidate.evaluation.macro_f1.value
    return _at_least("minMacroF1", "macro F1", value, gate.min_macro_f1)


def recall_per_class(measured: Measured, gate: Gate) -> CheckResult | None:
    """Recall in percent of the class that has the least."""
    recall = measured.candidate.evaluation.recall
    worst = min(recall, key=lambda name: (recall[name].value, name))
    return _at_least("minRecallPerClass", f"recall of class {worst}", recall[worst].value, gate.min_recall_per_class)


def _at_least(name: str, what: str, value: float, allowed: float | None) -> CheckResult | None:
    if allowed is None:
        return None
    passed = value >= allowed
    mend = "" if passed else f": lower gate.{name}, train longer, give more examples, or compress less"
    message = f"{what} is {value:.4g} %, at least {allowed:g} % asked{mend}"
    return CheckResult(name=name, measured=value, allowed=allowed, passed=passed, message=message)
