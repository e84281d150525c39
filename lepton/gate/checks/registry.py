"""Every check of the gate, in the order in which a report shows them. Called by gate.run; pure."""

from collections.abc import Callable

from lepton.gate.checks import cost, guess, identity, quality
from lepton.gate.checks.measured import Measured
from lepton.report import CheckResult
from lepton.spec.gate import Gate

Check = Callable[[Measured, Gate], CheckResult | None]

CHECKS: tuple[Check, ...] = (
    identity.digest,
    identity.protocols,
    guess.largest_class,
    quality.accuracy_drop,
    quality.accuracy,
    quality.macro_f1,
    quality.recall_per_class,
    cost.p50,
    cost.p99,
    cost.size,
)


def check_all(measured: Measured, gate: Gate) -> tuple[CheckResult, ...]:
    """The result of every check that the gate asks for."""
    results = (check(measured, gate) for check in CHECKS)
    return tuple(result for result in results if result is not None)
