"""What Prometheus is told of each LeptonModel and of the job at work on it, read anew for every scrape.

The operator and the control loop register it over what they have at hand. It takes resources as the API server gives
them, in JSON, since ten thousand of them are read at each scrape. It decides nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lepton.report import Progress
from lepton.spec.reasons import ConditionType, Phase

Resource = Mapping[str, Any]
"""A LeptonModel in JSON."""
Sample = tuple[tuple[str, ...], float | None]
"""The values of a family's own labels, and its value; None where there is nothing to tell."""

MODEL_LABELS = ("namespace", "model")


class Gauges(Collector):
    """All models that `read` gives, each with the last progress of the job at work on its candidate."""

    def __init__(self, read: Callable[[], Iterable[tuple[Resource, Progress | None]]]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Every family, without a figure: so that who asks for others does not have these collected."""
        return _collect([])

    def collect(self) -> Iterable[Metric]:
        """Every family, as things are now."""
        return _collect(list(self._read()))


def _collect(models: Sequence[tuple[Resource, Progress | None]]) -> Iterator[Metric]:
    yield _by_phase(resource for resource, _ in models)
    for name, (meaning, labels, tell) in OF_MODELS.items():
        yield _family(name, meaning, labels, ((resource, tell(resource)) for resource, _ in models))
    at_work = [(resource, progress) for resource, progress in models if progress is not None]
    for name, (meaning, labels, say) in OF_JOBS.items():
        yield _family(name, meaning, labels, ((resource, say(progress)) for resource, progress in at_work))


def _by_phase(models: Iterable[Resource]) -> Metric:
    counts = Counter({str(phase): 0 for phase in Phase})
    counts.update(_status(resource).get("phase", Phase.PENDING) for resource in models)
    family = GaugeMetricFamily("lepton_models", "Models by phase.", labels=["phase"])
    for phase, count in counts.items():
        family.add_metric([phase], count)
    return family


def _family(
    name: str, meaning: str, labels: tuple[str, ...], samples: Iterable[tuple[Resource, Iterable[Sample]]]
) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=[*MODEL_LABELS, *labels])
    for resource, told in samples:
        metadata = resource["metadata"]
        for values, value in told:
            if value is not None:
                family.add_metric([metadata["namespace"], metadata["name"], *values], value)
    return family


def _status(resource: Resource) -> Mapping[str, Any]:
    status: Mapping[str, Any] = resource.get("status") or {}
    return status


def _ready(resource: Resource) -> Iterator[Sample]:
    ready = (one for one in _status(resource).get("conditions", ()) if one["type"] == ConditionType.READY)
    yield (), float(any(one["status"] == "True" for one in ready))


def _info(resource: Resource) -> Iterator[Sample]:
    status = _status(resource)
    serving = status.get("serving", {})
    yield (status.get("phase", Phase.PENDING), str(serving.get("revision", "")), serving.get("digest", "")), 1


def _troubles(resource: Resource) -> Iterator[Sample]:
    for one in _status(resource).get("conditions", ()):
        if one["status"] == "False":
            yield (one["type"], one["reason"]), 1


def _accuracy(resource: Resource) -> Iterator[Sample]:
    yield (), _times(0.01, _status(resource).get("serving", {}).get("accuracy"))


def _size(resource: Resource) -> Iterator[Sample]:
    yield (), _status(resource).get("serving", {}).get("sizeBytes")


def _budget(resource: Resource) -> Iterator[Sample]:
    yield (), _times(0.001, resource["spec"].get("gate", {}).get("maxP99Ms"))


def _candidate(resource: Resource) -> Iterator[Sample]:
    candidate = _status(resource).get("candidate")
    if candidate is not None:
        yield (str(candidate["revision"]), candidate["stage"]), candidate.get("progress", 0.0)


def _left(resource: Resource) -> Iterator[Sample]:
    yield (), _status(resource).get("candidate", {}).get("secondsLeft")


def _finished_stages(progress: Progress) -> Iterator[Sample]:
    for stage, seconds in progress.stage_seconds.items():
        yield (stage,), seconds


def _of_training(tell: Callable[[Progress], float | None]) -> Callable[[Progress], Iterator[Sample]]:
    def say(progress: Progress) -> Iterator[Sample]:
        yield (progress.stage,), tell(progress)

    return say


def _times(factor: float, value: float | None) -> float | None:
    return None if value is None else factor * value


OF_MODELS: dict[str, tuple[str, tuple[str, ...], Callable[[Resource], Iterable[Sample]]]] = {
    "lepton_model_ready": ("1 while the revision that is wanted serves.", (), _ready),
    "lepton_model_info": (
        "1; phase, and the revision and digest that serve (empty before the first).",
        ("phase", "revision", "digest"),
        _info,
    ),
    "lepton_model_trouble": (
        "1 for each condition that is False: somebody or another try must act.",
        ("condition", "reason"),
        _troubles,
    ),
    "lepton_model_accuracy_ratio": ("Accuracy of what serves, 0 to 1, as measured by the gate.", (), _accuracy),
    "lepton_model_size_bytes": ("Size of the model file that serves.", (), _size),
    "lepton_model_latency_budget_seconds": ("gate.maxP99Ms, where it is set.", (), _budget),
    "lepton_candidate_progress_ratio": (
        "Share of its stage that a revision on its way has done, 0 to 1.",
        ("revision", "stage"),
        _candidate,
    ),
    "lepton_candidate_stage_left_seconds": ("Seconds that the stage is estimated to take yet.", (), _left),
}
"""Of each model: the meaning, the labels beside namespace and model, and what is told."""

OF_JOBS: dict[str, tuple[str, tuple[str, ...], Callable[[Progress], Iterable[Sample]]]] = {
    "lepton_candidate_stage_seconds": (
        "Seconds that each finished stage of the job at work took.",
        ("stage",),
        _finished_stages,
    ),
    "lepton_training_epoch": (
        "Epochs done of the fit under way.",
        ("stage",),
        _of_training(lambda said: said.epoch),
    ),
    "lepton_training_epochs": (
        "Epochs of the fit under way.",
        ("stage",),
        _of_training(lambda said: said.epochs),
    ),
    "lepton_training_accuracy_ratio": (
        "Latest accuracy on the validation examples, 0 to 1.",
        ("stage",),
        _of_training(lambda said: _times(0.01, said.accuracy)),
    ),
    "lepton_training_loss": (
        "Latest training loss, the mean over an epoch.",
        ("stage",),
        _of_training(lambda said: said.loss),
    ),
    "lepton_training_examples_per_second": (
        "Training examples that a second takes, over all workers.",
        ("stage",),
        _of_training(lambda said: said.examples_per_second),
    ),
}
"""The same of each job at work, as it last said."""
