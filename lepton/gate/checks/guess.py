"""Whether the candidate has learnt anything. Always checked; in the list of lepton.gate.checks.registry; pure."""

from lepton.gate.checks.measured import Measured
from lepton.report import CheckResult
from lepton.spec.gate import Gate


def largest_class(measured: Measured, gate: Gate) -> CheckResult:
    """More held-out examples are right than if all got the name of the largest class among them.

    Counted in examples, so that no rounding decides; a candidate that is right about all of them passes in any case.
    """
    evaluation = measured.candidate.evaluation
    of_class = {name: sum(row) for name, row in zip(evaluation.recall, evaluation.confusion, strict=True)}
    right = sum(row[place] for place, row in enumerate(evaluation.confusion))
    largest = max(of_class, key=lambda name: of_class[name])
    passed = right > of_class[largest] or right == evaluation.examples
    share = 100 * of_class[largest] / evaluation.examples
    accuracy = evaluation.accuracy.value
    what = f"accuracy is {accuracy:.4g} %, always naming the largest class ({largest}) gives {share:.4g} %"
    mend = "" if passed else ": train longer, give more examples, or look at the labels"
    return CheckResult(name="largestClass", measured=accuracy, allowed=share, passed=passed, message=what + mend)
