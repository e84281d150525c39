"""One served model with everything there is to say about it, as the tests of the command want it."""

from pathlib import Path

import pytest

from lepton.backends.local.home import Home
from lepton.cli.results import Result
from lepton.report import (
    CheckResult,
    DataReport,
    Endpoint,
    Epoch,
    Evaluation,
    GateReport,
    Interval,
    Latency,
    Lineage,
    Precision,
    Report,
    Variant,
)
from lepton.spec.reasons import ConditionType, Phase, Reason
from lepton.spec.resource import LeptonModel
from lepton.spec.status import Candidate, Condition, EndpointAddress, RevisionRecord, Serving, Status
from tests.unit.cli.command import DIGITS

NOW = 1_790_000_000.0
"""2026-09-21T14:13:20Z."""
DIGEST = "sha256:" + "ab12" * 16
CLASSES = tuple(str(digit) for digit in range(10))


def around(value: float, width: float = 0.8) -> Interval:
    return Interval(value=value, low=value - width, high=min(100.0, value + width))


def evaluation(accuracy: float) -> Evaluation:
    confusion = [[0] * 10 for _ in range(10)]
    for row in range(10):
        confusion[row][row] = 36 - row % 3
        confusion[row][(row * 7 + 3) % 10] += row % 3
    shares = {name: around(accuracy - (index % 4) / 2, 1.5) for index, name in enumerate(CLASSES)}
    return Evaluation(
        examples=360,
        accuracy=around(accuracy),
        macro_f1=around(accuracy - 0.1),
        roc_auc=Interval(value=0.9991, low=0.998, high=1.0),
        calibration_error=Interval(value=0.0123, low=0.008, high=0.02),
        precision=shares,
        recall=shares,
        f1=shares,
        confusion=tuple(tuple(row) for row in confusion),
    )


def endpoint(variant: str, accuracy: float, size: int, p50_ms: float) -> Endpoint:
    return Endpoint(
        variant=variant,
        evaluation=evaluation(accuracy),
        http=Latency(p50_ms=p50_ms, p99_ms=p50_ms * 1.3),
        grpc=Latency(p50_ms=p50_ms + 0.2, p99_ms=p50_ms * 1.3 + 0.2),
        cpu_seconds_per_1000=p50_ms,
        size_bytes=size,
    )


@pytest.fixture
def gate_report() -> GateReport:
    return GateReport(
        revision=2,
        digest=DIGEST,
        uncompressed=endpoint("uncompressed", 98.33, 315_392, 0.52),
        candidate=endpoint("2-quantize", 98.06, 38_912, 0.41),
        agreement=99.44,
        checks=(
            CheckResult(
                name="maxAccuracyDrop",
                measured=0.27,
                allowed=2.0,
                passed=True,
                message="compression cost 0.27 points of accuracy, 2 are allowed",
            ),
            CheckResult(
                name="digest",
                measured=DIGEST,
                allowed=DIGEST,
                passed=True,
                message="the server verified the files that the build wrote",
            ),
        ),
        created="2026-09-21T14:10:00Z",
    )


def variant(name: str, accuracy: float, size: int, decision: str, *, kept: bool = True) -> Variant:
    return Variant(
        name=name,
        kept=kept,
        decision=decision,
        validation_accuracy=accuracy,
        size_bytes=size,
        macs=size * 12,
        parameters=size // 4,
        runtime=Latency(p50_ms=size / 4e6, p99_ms=size / 3e6),
        seconds=12.0,
    )


@pytest.fixture
def report() -> Report:
    trained = [
        Epoch(stage="train", epoch=n, loss=2.3 / n, accuracy=98.9 - 60 / n**1.5, learning_rate=0.01, seconds=0.4)
        for n in range(1, 21)
    ]
    tuned = [
        Epoch(stage="1-prune", epoch=n, loss=0.4 / n, accuracy=97.0 + n / 3, learning_rate=0.001, seconds=0.4)
        for n in range(1, 6)
    ]
    return Report(
        model="digits",
        spec={"task": "image-classification", "data": {"uri": "sklearn://digits"}, "train": {"epochs": 20}},
        lineage=Lineage(
            revision=2,
            created="2026-09-21T14:00:00Z",
            lepton_version="0.1.0",
            code_version="sha256:" + "0c" * 32,
            data_uri="sklearn://digits",
            data_digest="sha256:" + "1d" * 32,
            seed=0,
            libraries={"torch": "2.13.0", "onnxruntime": "1.31.1"},
            hardware={"machine": "x86_64", "cores": "2"},
        ),
        classes=CLASSES,
        data=DataReport(
            train=1257,
            validation=180,
            test=360,
            per_class=dict.fromkeys(CLASSES, 179),
            corrupt=0,
            duplicates=0,
            image_shape=(8, 8, 1),
        ),
        precision=(
            Precision(precision="float32", channels_last=False, compiled=False, images_per_second=9120.0),
            Precision(precision="bfloat16", channels_last=True, compiled=False, images_per_second=15310.0, chosen=True),
        ),
        epochs=tuple(trained + tuned),
        variants=(
            variant("uncompressed", 98.9, 315_392, "the trained model"),
            variant("1-prune", 98.6, 96_256, "kept: 3.3x smaller and 1.9x faster"),
            variant("2-quantize", 98.6, 38_912, "kept: 2.5x smaller and 1.2x faster"),
            variant(
                "3-distill", 98.1, 40_000, "dropped: neither faster (1.0x) nor smaller than 2-quantize", kept=False
            ),
        ),
        served="2-quantize",
        stage_seconds={"data": 1.2, "train": 14.0, "compress": 9.5, "package": 0.8},
    )


def record(number: int, outcome: str, message: str = "") -> RevisionRecord:
    return RevisionRecord.model_validate(
        {
            "number": number,
            "name": f"digits-build-{number:08d}",
            "cause": "spec",
            "created": f"2026-09-21T1{number}:00:00Z",
            "outcome": outcome,
            "message": message,
            "digest": DIGEST if outcome == "Passed" else None,
            "metrics": {"accuracy": 98.06, "sizeBytes": 38_912.0} if outcome == "Passed" else {},
        }
    )


@pytest.fixture
def result(report: Report, gate_report: GateReport) -> Result:
    return Result(record(2, "Passed"), report, gate_report)


def spec_document(name: str) -> dict[str, object]:
    return {
        "apiVersion": "leptonml.dev/v1alpha1",
        "kind": "LeptonModel",
        "metadata": {"name": name},
        "spec": {"task": "image-classification", "data": {"uri": "sklearn://digits"}},
    }


@pytest.fixture
def fresh() -> LeptonModel:
    """Just applied: nobody has looked at it yet."""
    return LeptonModel.model_validate(spec_document("digits"))


@pytest.fixture
def serving(fresh: LeptonModel) -> LeptonModel:
    """Serves revision 2."""
    conditions = tuple(
        Condition(
            type=kind,
            status="True",
            reason=Reason.SUCCEEDED,
            message=f"{kind.value} since revision 2",
            last_transition_time="2026-09-21T14:10:00Z",
        )
        for kind in ConditionType
    )
    status = Status(
        phase=Phase.SERVING,
        observed_generation=1,
        conditions=conditions,
        endpoint=EndpointAddress(http="http://127.0.0.1:8000", grpc="127.0.0.1:8001", model="digits"),
        serving=Serving(revision=2, digest=DIGEST, accuracy=98.06, size_bytes=38_912, p50_ms=0.41),
        revisions=(record(2, "Passed"), record(1, "Failed", "minAccuracy: 88.1 % is below 90 %")),
    )
    return fresh.model_copy(update={"status": status})


@pytest.fixture
def troubled(serving: LeptonModel) -> LeptonModel:
    """Its candidate did not pass, and what serves does not answer."""
    bad = {ConditionType.GATE_PASSED: Reason.BUDGET_NOT_MET, ConditionType.SERVING: Reason.SERVER_UNAVAILABLE}
    conditions = tuple(
        one.model_copy(update={"status": "False", "reason": bad[one.type], "message": f"{one.type} is not well"})
        if one.type in bad
        else one
        for one in serving.status.conditions
    )
    status = serving.status.model_copy(update={"phase": Phase.FAILED, "conditions": conditions})
    return serving.model_copy(update={"status": status})


@pytest.fixture
def training(fresh: LeptonModel) -> LeptonModel:
    """Builds revision 1."""
    candidate = Candidate(
        revision=1, stage="train", progress=0.6, message="epoch 12 of 20, accuracy 90.8", seconds_left=100.0
    )
    condition = Condition(
        type=ConditionType.TRAINED,
        status="False",
        reason=Reason.IN_PROGRESS,
        message="epoch 12 of 20",
        last_transition_time="2026-09-21T14:13:00Z",
    )
    status = Status(
        phase=Phase.TRAINING, conditions=(condition,), candidate=candidate, revisions=(record(1, "Building"),)
    )
    return fresh.model_copy(update={"status": status})


@pytest.fixture
def failed(fresh: LeptonModel) -> LeptonModel:
    """Stopped at its data."""
    condition = Condition(
        type=ConditionType.DATA_READY,
        status="False",
        reason=Reason.DATA_NOT_FOUND,
        message="data.uri /nowhere does not exist: give a folder, zip or NPZ that does",
        last_transition_time="2026-09-21T14:12:00Z",
    )
    status = Status(phase=Phase.FAILED, conditions=(condition,), revisions=(record(1, "Failed", condition.message),))
    return fresh.model_copy(update={"status": status})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home of its own."""
    monkeypatch.setenv("LEPTON_HOME", str(tmp_path / "home"))
    return Home.default()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "digits.yaml"
    path.write_text(DIGITS)
    return path
