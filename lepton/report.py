"""What jobs say about their work: progress and summary for the control loop, the report for people.

Progress, Summary and Failure are small (16 KiB at most); Report lies in the artifact as `report.json`.
"""

from collections.abc import Callable
from typing import Literal

from pydantic import JsonValue

from lepton.spec.fields import Section
from lepton.spec.reasons import Reason

JobKind = Literal["build", "gate"]
BuildStage = Literal["data", "train", "compress", "package", "gate"]


class Progress(Section):
    """Where a running job stands."""

    stage: BuildStage
    """The stage it is in."""
    fraction: float = 0.0
    """Share of the stage that is done, 0 to 1."""
    message: str = ""
    """What happens now, for a person."""
    epoch: int | None = None
    """Epochs done in the stage."""
    epochs: int | None = None
    """Epochs in the stage."""
    accuracy: float | None = None
    """Latest validation accuracy in percent."""
    loss: float | None = None
    """Latest training loss."""
    examples_per_second: float | None = None
    """Training examples that a second takes, over all workers."""
    seconds_left: float | None = None
    """Estimated seconds until the stage ends."""
    stage_seconds: dict[str, float] = {}
    """Seconds that each finished stage took."""


Say = Callable[[Progress], None]
"""How a stage tells where it stands."""


class Failure(Section):
    """Why a job or a load failed."""

    reason: Reason
    """In one word."""
    message: str
    """What is wrong, where, and what to do."""
    stage: BuildStage | None = None
    """The stage that failed."""


def past_deadline(minutes: float, stage: BuildStage | None) -> Failure:
    """Why a build that took too long was stopped."""
    problem = f"the build took longer than the {minutes:g} minutes of train.deadlineMinutes"
    remedy = "raise it, or lower train.epochs or data.limit; what it had learnt is kept"
    return Failure(reason=Reason.DEADLINE_EXCEEDED, message=f"{problem}: {remedy}", stage=stage)


class CheckResult(Section):
    """One budget against what was measured."""

    name: str
    """Field of `gate`, such as maxAccuracyDrop; or what is always checked: `digest`, `protocols`, `largestClass`."""
    measured: float | str
    """What was measured."""
    allowed: float | str
    """What the budget allows."""
    passed: bool
    """Whether it holds."""
    message: str
    """The same in a sentence."""


class Summary(Section):
    """What the control loop needs to know of a finished job."""

    artifact: str
    """URL of the artifact directory."""
    digest: str
    """sha256 over the artifact."""
    metrics: dict[str, float] = {}
    """Headline figures: accuracy, macroF1 (percent), sizeBytes, p50Ms, p99Ms, grpcP50Ms, ..."""
    checks: tuple[CheckResult, ...] = ()
    """For a gate job: every budget and whether it holds."""
    stage_seconds: dict[str, float] = {}
    """Seconds that each stage took."""


class JobReport(Section):
    """All that a job on a cluster says to the control loop, in the one place where it may write."""

    attempt: int
    """Which run of the job speaks."""
    progress: Progress | None = None
    """Where it stood when it last said so."""
    summary: Summary | None = None
    """Present once it has succeeded."""
    failure: Failure | None = None
    """Present once it has failed."""
    finished_at: float | None = None
    """When it ended, in seconds since the epoch."""


class Interval(Section):
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Evaluation(Section):
    """How good a model is on one set of examples. Shares are in percent, as budgets are."""

    examples: int
    accuracy: Interval
    macro_f1: Interval
    roc_auc: Interval | None
    """One against the rest, macro average, 0 to 1; None where a class has no example."""
    calibration_error: Interval
    """Expected calibration error (Guo et al. 2017), 15 bins, 0 to 1."""
    precision: dict[str, Interval]
    recall: dict[str, Interval]
    f1: dict[str, Interval]
    confusion: tuple[tuple[int, ...], ...]
    """Rows are true classes, columns are answers, both in the order of `Report.classes`."""


class Latency(Section):
    """Milliseconds of one answer, one client."""

    p50_ms: float
    p99_ms: float


class Epoch(Section):
    """One row of a training curve."""

    stage: str
    """`train`, or the compression step such as `1-prune`."""
    epoch: int
    loss: float
    """Mean training loss."""
    accuracy: float
    """Validation accuracy in percent."""
    learning_rate: float
    seconds: float


class Variant(Section):
    """One model of the build: the trained one, or the outcome of one compression step."""

    name: str
    """`uncompressed`, `1-prune`, `2-quantize`, ..."""
    kept: bool
    """Whether the step paid and later steps build on it."""
    decision: str
    """Why it was kept or dropped, in a sentence."""
    validation_accuracy: float
    """Percent, on the validation set."""
    size_bytes: int
    """Size of the ONNX file."""
    macs: int
    """Multiply-accumulate operations for one image."""
    parameters: int
    runtime: Latency
    """ONNX Runtime in process, one thread, batch 1, measured side by side with the variant it is compared to."""
    seconds: float
    """Time the step took."""


class Endpoint(Section):
    """A model as measured at a live endpoint on the held-out set."""

    variant: str
    evaluation: Evaluation
    http: Latency
    grpc: Latency
    cpu_seconds_per_1000: float
    """CPU seconds of the server for 1,000 predictions."""
    joules_per_1000: float | None = None
    """Energy for 1,000 predictions where the machine can tell."""
    size_bytes: int


class Precision(Section):
    """One candidate of the choice of precision, with what was measured."""

    precision: Literal["float32", "bfloat16"]
    channels_last: bool
    compiled: bool
    images_per_second: float
    chosen: bool = False


class Lineage(Section):
    """Where a revision comes from."""

    revision: int
    created: str
    lepton_version: str
    code_version: str
    """sha256 over Lepton's own sources."""
    data_uri: str
    data_digest: str
    """sha256 over the contents of all examples and their classes."""
    seed: int
    libraries: dict[str, str]
    hardware: dict[str, str]


class DataReport(Section):
    """What was found in the data."""

    train: int
    validation: int
    test: int
    per_class: dict[str, int]
    corrupt: int
    corrupt_examples: tuple[str, ...] = ()
    """The first ten unreadable files."""
    duplicates: int
    """Examples whose content occurs more than once."""
    contradictory: int = 0
    """Examples whose content also occurs under another class."""
    image_shape: tuple[int, int, int]
    """Height, width, channels that the model sees."""


class Report(Section):
    """All that is known of a revision, as `report.json` in its artifact."""

    model: str
    spec: dict[str, JsonValue]
    """The spec as applied, defaults filled in."""
    lineage: Lineage
    classes: tuple[str, ...]
    data: DataReport
    precision: tuple[Precision, ...] = ()
    epochs: tuple[Epoch, ...] = ()
    variants: tuple[Variant, ...] = ()
    served: str = ""
    """Name of the variant in the repository."""
    stage_seconds: dict[str, float] = {}


class GateReport(Section):
    """The proof: the candidate and the uncompressed model at a live endpoint, as `gate.json` beside the artifact."""

    revision: int
    digest: str
    uncompressed: Endpoint
    candidate: Endpoint
    agreement: float
    """Percent of held-out examples on which candidate and uncompressed model give the same label."""
    checks: tuple[CheckResult, ...]
    created: str
