"""What Prometheus is told of each model and of the job at work on it."""

from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from lepton.backends.gauges import Gauges
from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.jobs import ORDER, REPORT
from lepton.backends.kubernetes.kinds import CONFIG_MAP, LEPTON_MODEL
from lepton.backends.kubernetes.names import JOB_LABEL, MODEL
from lepton.jobdir import JobOrder
from lepton.report import JobReport, Progress, Summary
from operators.lepton_operator.metrics import Metrics


def resource(name: str, **status: Any) -> dict[str, Any]:
    metadata = {"namespace": "zoo", "name": name, "resourceVersion": "1", "uid": name}
    return {"metadata": metadata, "spec": {"gate": {"maxP99Ms": 5.0}}, "status": status}


def told(*models: tuple[dict[str, Any], Progress | None]) -> list[str]:
    """All samples, those of lepton_models only where they aren't zero."""
    registry = CollectorRegistry()
    registry.register(Gauges(lambda: models))
    return samples(registry)


def samples(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#") and not line.endswith("} 0.0")]


READY = {"type": "Ready", "status": "True", "reason": "Succeeded"}
FAILED = {"type": "GatePassed", "status": "False", "reason": "BudgetNotMet"}


def test_a_model_that_serves_tells_its_revision_digest_and_measured_figures() -> None:
    serving = {"revision": 3, "digest": "sha256:a", "accuracy": 97.5, "sizeBytes": 1000}
    assert told((resource("pets", phase="Serving", conditions=[READY], serving=serving), None)) == [
        'lepton_models{phase="Serving"} 1.0',
        'lepton_model_ready{model="pets",namespace="zoo"} 1.0',
        'lepton_model_info{digest="sha256:a",model="pets",namespace="zoo",phase="Serving",revision="3"} 1.0',
        'lepton_model_accuracy_ratio{model="pets",namespace="zoo"} 0.975',
        'lepton_model_size_bytes{model="pets",namespace="zoo"} 1000.0',
        'lepton_model_latency_budget_seconds{model="pets",namespace="zoo"} 0.005',
    ]


def test_a_model_that_trains_tells_how_far_it_is() -> None:
    candidate = {"revision": 1, "stage": "train", "progress": 0.25, "secondsLeft": 60.0}
    progress = Progress(
        stage="train", epoch=5, epochs=20, accuracy=80.0, loss=0.5, examples_per_second=900.0, stage_seconds={"data": 2}
    )
    labels = 'model="pets",namespace="zoo"'
    assert told((resource("pets", phase="Training", conditions=[], candidate=candidate), progress)) == [
        'lepton_models{phase="Training"} 1.0',
        f'lepton_model_info{{digest="",{labels},phase="Training",revision=""}} 1.0',
        f"lepton_model_latency_budget_seconds{{{labels}}} 0.005",
        f'lepton_candidate_progress_ratio{{{labels},revision="1",stage="train"}} 0.25',
        f"lepton_candidate_stage_left_seconds{{{labels}}} 60.0",
        f'lepton_candidate_stage_seconds{{{labels},stage="data"}} 2.0',
        f'lepton_training_epoch{{{labels},stage="train"}} 5.0',
        f'lepton_training_epochs{{{labels},stage="train"}} 20.0',
        f'lepton_training_accuracy_ratio{{{labels},stage="train"}} 0.8',
        f'lepton_training_loss{{{labels},stage="train"}} 0.5',
        f'lepton_training_examples_per_second{{{labels},stage="train"}} 900.0',
    ]


def test_what_needs_somebody_is_told_with_its_reason() -> None:
    assert (
        'lepton_model_trouble{condition="GatePassed",model="pets",namespace="zoo",reason="BudgetNotMet"} 1.0'
        in told((resource("pets", phase="Failed", conditions=[FAILED]), None))
    )


def test_a_model_of_which_nothing_is_known_yet_is_pending_and_not_ready() -> None:
    new = {"metadata": {"namespace": "zoo", "name": "pets"}, "spec": {}}
    assert told((new, None)) == [
        'lepton_models{phase="Pending"} 1.0',
        'lepton_model_info{digest="",model="pets",namespace="zoo",phase="Pending",revision=""} 1.0',
    ]


def job(number: int, report: JobReport) -> dict[str, Any]:
    name = f"pets-build-{number}"
    order = JobOrder(name=name, kind="build", model="pets", revision=number, attempt=0, arguments={})
    metadata = {"namespace": "zoo", "name": name, "resourceVersion": "1", "labels": {MODEL: "pets", JOB_LABEL: name}}
    data = {ORDER: order.model_dump_json(), REPORT: report.model_dump_json(by_alias=True)}
    return {"metadata": metadata, "data": data}


def test_the_operator_that_leads_tells_of_the_models_and_of_the_job_without_an_end_and_a_follower_does_not() -> None:
    cache, metrics = Cache(), Metrics()
    progress = Progress(stage="train", loss=0.5)
    cache.put(LEPTON_MODEL, resource("pets", phase="Training", candidate={"revision": 2, "stage": "train"}))
    cache.put(CONFIG_MAP, job(1, JobReport(attempt=0, progress=progress, summary=Summary(artifact="", digest=""))))
    cache.put(CONFIG_MAP, job(2, JobReport(attempt=0, progress=progress.model_copy(update={"loss": 0.25}))))
    assert [line for line in samples(metrics.registry) if "model" in line] == []
    metrics.lead(cache)
    seen = samples(metrics.registry)
    assert "lepton_leader 1.0" in seen
    assert [line for line in seen if line.startswith("lepton_training_loss")] == [
        'lepton_training_loss{model="pets",namespace="zoo",stage="train"} 0.25'
    ]


def test_counters_of_passes_begin_at_zero_so_that_the_first_failure_shows_as_an_increase() -> None:
    text = generate_latest(Metrics().registry).decode()
    assert {f'lepton_reconciles_total{{outcome="{one}"}} 0.0' for one in ("done", "error", "bug")} <= set(
        text.splitlines()
    )


def test_what_another_version_of_lepton_wrote_of_one_model_does_not_silence_the_others() -> None:
    assert told((resource("pets", phase="Levitating"), None), (resource("birds", phase="Pending"), None))[:2] == [
        'lepton_models{phase="Pending"} 1.0',
        'lepton_models{phase="Levitating"} 1.0',
    ]
    metrics, cache = Metrics(), Cache()
    cache.put(LEPTON_MODEL, resource("pets", phase="Training", candidate={"revision": 1, "stage": "train"}))
    labels = {MODEL: "pets", JOB_LABEL: "pets-1"}
    named = {"namespace": "zoo", "name": "pets-1", "resourceVersion": "2", "uid": "c", "labels": labels}
    cache.put(CONFIG_MAP, {"metadata": named, "data": {ORDER: "no JSON"}})
    metrics.lead(cache)
    assert 'lepton_models{phase="Training"} 1.0' in samples(metrics.registry)
