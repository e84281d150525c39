"""The budgets that a candidate must meet at its live endpoint before it takes any traffic."""

from typing import Annotated

from pydantic import Field

from lepton.spec.fields import Points, Section
from lepton.spec.rules import Rule

IN_PERCENT = Rule(
    "must be in percent, such as 95 rather than 0.95",
    lambda value: not 0 < value <= 1,
    "self <= 0.0 || self > 1.0",
)
Positive = Annotated[float, Field(gt=0)]
Percent = Annotated[Points, IN_PERCENT]


class Gate(Section):
    """Each budget that is given must hold, measured on held-out data through the live endpoint, HTTP and gRPC."""

    max_accuracy_drop: Points = 2.0
    """Percentage points of accuracy that compression may cost."""
    min_accuracy: Percent | None = None
    """Least accuracy in percent."""
    min_macro_f1: Percent | None = Field(default=None, alias="minMacroF1")
    """Least macro F1 in percent."""
    min_recall_per_class: Percent | None = None
    """Least recall in percent that every class must reach."""
    max_p50_ms: Positive | None = None
    """Most milliseconds for the median answer, over HTTP, one client."""
    max_p99_ms: Positive | None = None
    """Most milliseconds for 99 of 100 answers, over HTTP, one client."""
    max_size_mib: Positive | None = Field(default=None, alias="maxSizeMiB")
    """Most MiB for the model file that is served."""
