"""Whether what answers is what was built, and answers alike however it is asked. Always checked; pure."""

from lepton.gate.checks.measured import Measured
from lepton.report import CheckResult
from lepton.spec.gate import Gate


def digest(measured: Measured, gate: Gate) -> CheckResult:
    """The server loaded the very files that the build made."""
    passed = measured.loaded_digest == measured.digest
    good = "the server loaded the files that the build made"
    bad = f"the server loaded {measured.loaded_digest}, the build made {measured.digest}: change the spec to build anew"
    return CheckResult(
        name="digest",
        measured=measured.loaded_digest,
        allowed=measured.digest,
        passed=passed,
        message=good if passed else bad,
    )


def protocols(measured: Measured, gate: Gate) -> CheckResult:
    """HTTP and gRPC gave the same label for every held-out example."""
    differing, examples = measured.protocol_differences, measured.candidate.evaluation.examples
    good = f"HTTP and gRPC gave the same label for all {examples} examples"
    bad = f"HTTP and gRPC gave different labels for {differing} of {examples} examples: a defect of Lepton's, report it"
    passed = differing == 0
    return CheckResult(name="protocols", measured=differing, allowed=0, passed=passed, message=good if passed else bad)
