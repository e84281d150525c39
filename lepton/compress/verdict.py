"""Whether a step paid: the rule by which a variant is kept or dropped, and the sentence that says why. Pure.

A step pays when its outcome is smaller or faster than the last variant that was kept, beyond noise; or, where it is
neither larger nor slower, more accurate. It must not cost more accuracy than the gate allows. Called by compress.run.
"""

from dataclasses import dataclass

from lepton.compress.comparison import Comparison

_SIZE_THAT_COUNTS = 0.01
"""A file must shrink by this share to count as smaller."""


@dataclass(frozen=True)
class Measured:
    """A variant as it is judged."""

    name: str
    accuracy: float
    """Percent, on the validation set."""
    size_bytes: int


@dataclass(frozen=True)
class Verdict:
    """The outcome for one step."""

    kept: bool
    decision: str


def judge(before: Measured, after: Measured, comparison: Comparison) -> Verdict:
    """Whether `after` pays beside `before`, whatever it costs in accuracy."""
    size = after.size_bytes / before.size_bytes
    smaller, larger = size < 1 - _SIZE_THAT_COUNTS, size > 1 + _SIZE_THAT_COUNTS
    gains = []
    if smaller:
        gains.append(f"{1 / size:.1f} times smaller")
    if comparison.faster:
        gains.append(f"{1 / comparison.ratio:.1f} times faster")
    if not gains and not larger and not comparison.slower and after.accuracy > before.accuracy:
        gains.append("more accurate and neither larger nor slower")
    costs = f" ({comparison.ratio:.2f} times the latency)" if comparison.slower else ""
    costs += f" ({size:.2f} times the size)" if larger else ""
    accuracy = f"validation accuracy {before.accuracy:.2f} -> {after.accuracy:.2f} %"
    if gains:
        return Verdict(True, f"kept: {' and '.join(gains)} than {before.name}{costs}; {accuracy}")
    return Verdict(False, f"dropped: neither smaller nor faster than {before.name}{costs}; {accuracy}")


def excessive_drop(uncompressed: Measured, after: Measured, most: float) -> str | None:
    """Why `after` has lost too much accuracy to be kept; None where it has not. `most` is in percentage points."""
    drop = uncompressed.accuracy - after.accuracy
    if drop <= most:
        return None
    figures = f"{drop:.2f} points of validation accuracy ({uncompressed.accuracy:.2f} -> {after.accuracy:.2f} %)"
    return f"dropped: it costs {figures}, more than gate.maxAccuracyDrop = {most:g} allows"
