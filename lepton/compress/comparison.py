"""What a side-by-side measurement says about two variants. Made by measure, read by verdict; pure."""

from dataclasses import dataclass

from lepton.report import Latency

_NOISE = 0.03
"""A ratio of medians nearer to 1 than this is taken for noise, whatever its sign."""


@dataclass(frozen=True)
class Comparison:
    """Two files measured by turns: ONNX Runtime in process, one thread, batch 1."""

    before: Latency
    after: Latency
    ratio: float
    """Latency after divided by latency before: the median over the rounds."""
    spread: tuple[float, float]
    """The ratio that a tenth of the rounds stay under, and the one that a tenth exceed."""

    @property
    def faster(self) -> bool:
        """Whether the second is faster, beyond noise: nine of ten rounds say so."""
        return self.ratio < 1 - _NOISE and self.spread[1] < 1

    @property
    def slower(self) -> bool:
        """Whether the second is slower, beyond noise."""
        return self.ratio > 1 + _NOISE and self.spread[0] > 1
