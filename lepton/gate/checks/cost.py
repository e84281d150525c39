"""Budgets on what an answer costs: time and size. In the list of lepton.gate.checks.registry; pure."""

from lepton.gate.checks.measured import Measured
from lepton.report import CheckResult
from lepton.spec.gate import Gate


def p50(measured: Measured, gate: Gate) -> CheckResult | None:
    """Median milliseconds over HTTP, one client."""
    return _at_most("maxP50Ms", "the median answer took", measured.candidate.http.p50_ms, gate.max_p50_ms, "ms")


def p99(measured: Measured, gate: Gate) -> CheckResult | None:
    """Milliseconds of 99 of 100 answers over HTTP, one client."""
    return _at_most("maxP99Ms", "99 of 100 answers took up to", measured.candidate.http.p99_ms, gate.max_p99_ms, "ms")


def size(measured: Measured, gate: Gate) -> CheckResult | None:
    """MiB of the model file."""
    mebibytes = measured.candidate.size_bytes / 2**20
    return _at_most("maxSizeMiB", "the model file is", mebibytes, gate.max_size_mib, "MiB")


def _at_most(name: str, what: str, value: float, allowed: float | None, unit: str) -> CheckResult | None:
    if allowed is None:
        return None
    passed = value <= allowed
    mend = "" if passed else f": raise gate.{name}, choose a smaller model, or compress more"
    message = f"{what} {value:.4g} {unit}, at most {allowed:g} {unit} allowed{mend}"
    return CheckResult(name=name, measured=value, allowed=allowed, passed=passed, message=message)
