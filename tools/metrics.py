"""docs/reference/metrics.md: every metric of Lepton's, read from the code that tells it. Called by tools.generate."""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from prometheus_client import CollectorRegistry

from lepton.backends import gauges
from lepton.backends.local import metrics as loop
from operators.lepton_operator import metrics as operator
from services.server import state

ROOT = Path(__file__).resolve().parent.parent
_COLUMNS = "| metric | type | labels | meaning |\n| --- | --- | --- | --- |"
_OF_THE_PROCESS = ("process_cpu_seconds_total", "process_resident_memory_bytes")

TRITON: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "nv_inference_request_success": (
            "counter",
            "model, version",
            "Requests answered, those among them whose input could not be read.",
        ),
        "nv_inference_request_failure": (
            "counter",
            "model, version, reason",
            "Requests that the server failed to answer.",
        ),
        "nv_inference_request_summary_us": (
            "summary",
            "model, version, quantile",
            "Microseconds that a request took: quantiles over the last minute, their sum and their count.",
        ),
        "nv_inference_queue_duration_us": (
            "counter",
            "model, version",
            "Microseconds that requests waited for their turn.",
        ),
    }
)
"""Those of Triton's own that our dashboards and alerts rely on: type, labels, meaning."""

_PAGE = """\
# Metrics

Every figure that Prometheus can read, made from the code; a test fails when this page is stale. Names are part of what
Lepton promises: another test fails when one goes. [Watch it](../how-to/watch.md) shows how to scrape and what to ask.

Who tells what:

* **models, training, Lepton itself**: on a laptop the control loop at `127.0.0.1:8003` (`lepton up --metrics-port`),
  on a cluster the operator at its port `http`, `/metrics`
* **requests, and what the model answers**: Triton, on a laptop at `127.0.0.1:8002` (`lepton up --triton-metrics-port`),
  on a cluster at the port `metrics` (8002) of serving pods
* **what a server spends, and which files it verified**: on a cluster, at the port `state` (8003) of serving pods
* **CPU, memory and GPUs of training**: on a cluster, Ray's own metrics at the port `metrics` (8080) of Ray's pods

## Of models

Told by the control loop, and by the operator that leads. All have the labels `namespace` and `model`, except
`lepton_models`. A metric is absent where there is nothing to tell: before a revision serves, or without a budget.

{of_models}

## Of training, while a job is at work

Labels `namespace` and `model` too. They come from what the job reports; on a cluster it does so each ten seconds.

{of_jobs}

## Of the operator

`reason` is one of the [reasons](../how-to/when-something-fails.md#reasons), or the API server's own word.

{of_operator}

## Of the control loop on a laptop

{of_loop}

## Of what is served

Told by Triton (`nv_`) and by the model itself. On a laptop, revisions at the gate have names of their own in `model`;
on a cluster, what the gate asks a candidate counts as the model's.

{of_model}

## Of a serving pod

`lepton_model_heals_total`, `lepton_server_starts_total` and `lepton_server_up` as on a laptop, and

{of_pod}
"""


def page() -> str:
    """The whole page."""
    of_triton = [(name, *row) for name, row in TRITON.items()]
    return _PAGE.format(
        of_models=_table([("lepton_models", "gauge", "phase", "Models by phase."), *_of_gauges(gauges.OF_MODELS)]),
        of_jobs=_table(_of_gauges(gauges.OF_JOBS)),
        of_operator=_table(_of_registry(operator.Metrics().registry)),
        of_loop=_table(_of_registry(loop.Metrics().registry)),
        of_model=_table([*of_triton, *_of_served_model()]),
        of_pod=_table(_of_pod()),
    )


Row = tuple[str, str, str, str]


def _table(rows: Iterable[Row]) -> str:
    return "\n".join([_COLUMNS, *(f"| `{name}` | {kind} | {labels} | {text} |" for name, kind, labels, text in rows)])


def _of_gauges(families: Mapping[str, tuple[str, tuple[str, ...], object]]) -> list[Row]:
    return [(name, "gauge", ", ".join(labels), meaning) for name, (meaning, labels, _) in families.items()]


def _of_registry(registry: CollectorRegistry) -> list[Row]:
    collectors = {name: collector for collector, names in registry._collector_to_names.items() for name in names}
    rows = []
    for family in registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if name.startswith("lepton_") or name in _OF_THE_PROCESS:
            labels = ", ".join(getattr(collectors.get(family.name), "_labelnames", ()))
            rows.append((name, family.type, labels, family.documentation))
    return rows


def _of_pod() -> list[Row]:
    registry = CollectorRegistry()
    state.tell_of_server(registry, lambda: 0.0)
    state.tell_of_model(registry, "", "", "")
    return _of_registry(registry)


def _of_served_model() -> list[Row]:
    """Read, not imported: the file runs inside Triton alone."""
    tree = ast.parse((ROOT / "services" / "server" / "metrics.py").read_text())
    (families,) = (
        ast.literal_eval(one.value)
        for one in tree.body
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name) and one.targets[0].id == "FAMILIES"
    )
    own = {"lepton_predictions_total": "model, class", "lepton_prediction_confidence_bucket": "model, le"}
    return [(name, "counter", own.get(name, "model"), f"{meaning}.") for name, meaning in families.items()]
