"""The Grafana dashboards of manifests/dashboards, each from a table of questions and queries. Called by tools.generate.

A new panel is one more line; nobody arranges anything by hand.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS, _WIDTH, _HEIGHT = 3, 8, 7
_PASSES = "sum by (le) (rate(lepton_reconcile_seconds_bucket[$__rate_interval]))"
_OF_MODEL = 'namespace=~"$namespace", model=~"$model"'


@dataclass(frozen=True)
class Panel:
    """One question, and the queries that answer it."""

    title: str
    unit: str
    """As Grafana names units: short, s, bytes, percentunit, reqps."""
    queries: tuple[tuple[str, str], ...]
    """PromQL, and how its series are named."""
    kind: str = "timeseries"
    """timeseries, stat or table."""


FLEET = (
    Panel("Models by phase", "short", (("sum by (phase) (lepton_models)", "{{phase}}"),)),
    Panel("Share of models that are ready", "percentunit", (("avg(lepton_model_ready)", "ready"),), "stat"),
    Panel("What needs somebody", "short", (("lepton_model_trouble", ""),), "table"),
    Panel("Models", "short", (("lepton_model_info", ""),), "table"),
    Panel(
        "Requests",
        "reqps",
        (
            (
                "sum by (namespace, model) (rate(nv_inference_request_success[$__rate_interval]))",
                "{{namespace}}/{{model}}",
            ),
        ),
    ),
    Panel(
        "Requests that failed",
        "reqps",
        (
            (
                "sum by (namespace, model) (rate(nv_inference_request_failure[$__rate_interval]))",
                "{{namespace}}/{{model}}",
            ),
        ),
    ),
    Panel(
        "99 of 100 requests took at most",
        "s",
        (
            (
                'max by (namespace, model) (nv_inference_request_summary_us{quantile="0.99"}) / 1e6',
                "{{namespace}}/{{model}}",
            ),
        ),
    ),
    Panel("Servers that Prometheus hears", "short", (('count(up{job="lepton-server"} == 1)', "heard"),), "stat"),
    Panel(
        "Progress of new revisions",
        "percentunit",
        (("lepton_candidate_progress_ratio", "{{namespace}}/{{model}} {{stage}}"),),
    ),
    Panel(
        "Passes of the operator",
        "ops",
        (("sum by (outcome) (rate(lepton_reconciles_total[$__rate_interval]))", "{{outcome}}"),),
    ),
    Panel(
        "Failures by reason",
        "ops",
        (("sum by (reason) (rate(lepton_errors_total[$__rate_interval]))", "{{reason}}"),),
    ),
    Panel(
        "A pass took",
        "s",
        tuple(
            (
                f"histogram_quantile({quantile}, {_PASSES})",
                name,
            )
            for quantile, name in ((0.5, "half"), (0.99, "99 of 100"))
        ),
    ),
    Panel("Models that wait for a pass", "short", (("sum(lepton_queue_depth)", "waiting"),)),
    Panel("Operators that lead", "short", (("sum(lepton_leader)", "leaders"),), "stat"),
    Panel("Memory of the operator", "bytes", (('process_resident_memory_bytes{job="lepton"}', "{{pod}}"),)),
)

MODEL = (
    Panel("Ready", "short", ((f"lepton_model_ready{{{_OF_MODEL}}}", "{{model}}"),), "stat"),
    Panel("Phase, revision and digest", "short", ((f"lepton_model_info{{{_OF_MODEL}}}", ""),), "table"),
    Panel("What each server verified", "short", ((f"lepton_server_model_info{{{_OF_MODEL}}}", ""),), "table"),
    Panel(
        "Accuracy at the gate", "percentunit", ((f"lepton_model_accuracy_ratio{{{_OF_MODEL}}}", "{{model}}"),), "stat"
    ),
    Panel("Size", "bytes", ((f"lepton_model_size_bytes{{{_OF_MODEL}}}", "{{model}}"),), "stat"),
    Panel(
        "Requests",
        "reqps",
        (
            (f"sum by (pod) (rate(nv_inference_request_success{{{_OF_MODEL}}}[$__rate_interval]))", "answered {{pod}}"),
            (f"sum by (pod) (rate(nv_inference_request_failure{{{_OF_MODEL}}}[$__rate_interval]))", "failed {{pod}}"),
            (f"sum by (pod) (rate(lepton_bad_inputs_total{{{_OF_MODEL}}}[$__rate_interval]))", "unreadable {{pod}}"),
        ),
    ),
    Panel(
        "A request took",
        "s",
        (
            *(
                (
                    f'max by (quantile) (nv_inference_request_summary_us{{{_OF_MODEL}, quantile="{quantile}"}}) / 1e6',
                    "quantile {{quantile}}",
                )
                for quantile in ("0.5", "0.99")
            ),
            (f"lepton_model_latency_budget_seconds{{{_OF_MODEL}}}", "budget: gate.maxP99Ms"),
        ),
    ),
    Panel(
        "A request waited",
        "s",
        (
            (
                f"sum(rate(nv_inference_queue_duration_us{{{_OF_MODEL}}}[$__rate_interval]))"
                f" / sum(rate(nv_inference_request_success{{{_OF_MODEL}}}[$__rate_interval])) / 1e6",
                "mean",
            ),
        ),
    ),
    Panel(
        "CPUs that servers use",
        "short",
        ((f"sum by (pod) (rate(lepton_server_cpu_seconds_total{{{_OF_MODEL}}}[$__rate_interval]))", "{{pod}}"),),
    ),
    Panel(
        "Answers by class",
        "ops",
        ((f"sum by (class) (rate(lepton_predictions_total{{{_OF_MODEL}}}[$__rate_interval]))", "{{class}}"),),
    ),
    Panel(
        "Mean confidence",
        "percentunit",
        (
            (
                f"sum(rate(lepton_prediction_confidence_sum{{{_OF_MODEL}}}[$__rate_interval]))"
                f" / sum(rate(lepton_prediction_confidence_count{{{_OF_MODEL}}}[$__rate_interval]))",
                "confidence",
            ),
        ),
    ),
    Panel(
        "Servers loaded the model again",
        "short",
        ((f"sum by (pod) (increase(lepton_model_heals_total{{{_OF_MODEL}}}[$__rate_interval]))", "{{pod}}"),),
    ),
)

TRAINING = (
    Panel(
        "Progress of the stage",
        "percentunit",
        ((f"lepton_candidate_progress_ratio{{{_OF_MODEL}}}", "{{model}} revision {{revision}}: {{stage}}"),),
    ),
    Panel("Time left in the stage", "s", ((f"lepton_candidate_stage_left_seconds{{{_OF_MODEL}}}", "{{model}}"),)),
    Panel("Finished stages took", "s", ((f"lepton_candidate_stage_seconds{{{_OF_MODEL}}}", "{{model}}: {{stage}}"),)),
    Panel(
        "Epochs",
        "short",
        (
            (f"lepton_training_epoch{{{_OF_MODEL}}}", "{{model}}: done, {{stage}}"),
            (f"lepton_training_epochs{{{_OF_MODEL}}}", "{{model}}: wanted, {{stage}}"),
        ),
    ),
    Panel(
        "Accuracy on the validation examples",
        "percentunit",
        ((f"lepton_training_accuracy_ratio{{{_OF_MODEL}}}", "{{model}}: {{stage}}"),),
    ),
    Panel("Training loss", "short", ((f"lepton_training_loss{{{_OF_MODEL}}}", "{{model}}: {{stage}}"),)),
    Panel(
        "Examples per second",
        "short",
        ((f"lepton_training_examples_per_second{{{_OF_MODEL}}}", "{{model}}: {{stage}}"),),
    ),
)


def texts() -> dict[str, str]:
    """Every dashboard as JSON, by the name of its file."""
    made = {
        "fleet": _dashboard("Lepton: fleet", FLEET, _variables(of_models=False)),
        "model": _dashboard("Lepton: one model", MODEL, _variables(of_models=True)),
        "training": _dashboard("Lepton: training", TRAINING, _variables(of_models=True)),
    }
    return {name: json.dumps(dashboard, indent=2) + "\n" for name, dashboard in made.items()}


def _dashboard(title: str, panels: Sequence[Panel], variables: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "uid": title.lower().replace(": ", "-").replace(" ", "-"),
        "title": title,
        "tags": ["lepton"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "",
        "templating": {"list": variables},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _variables(*, of_models: bool) -> list[dict[str, Any]]:
    datasource = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    if not of_models:
        return [datasource]
    return [
        datasource,
        _label_values("namespace", "lepton_model_ready"),
        _label_values("model", 'lepton_model_ready{namespace=~"$namespace"}'),
    ]


def _label_values(label: str, series: str) -> dict[str, Any]:
    return {
        "name": label,
        "label": label.capitalize(),
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": f"label_values({series}, {label})", "refId": label},
        "refresh": 2,
        "sort": 1,
        "includeAll": label == "namespace",
        "multi": False,
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, _COLUMNS)
    table = panel.kind == "table"
    return {
        "id": number + 1,
        "title": panel.title,
        "type": panel.kind,
        "datasource": DATASOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "expr": query,
                "legendFormat": legend,
                "format": "table" if table else "time_series",
                "instant": table,
                "range": not table,
            }
            for index, (query, legend) in enumerate(panel.queries)
        ],
    }
