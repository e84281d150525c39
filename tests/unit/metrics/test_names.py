"""The names of metrics are a promise: none goes or changes unseen, and dashboards and alerts use no others."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
REFERENCE = re.findall(
    r"^\| `(\w+)` \| (\w+) \| ([\w, ]*?) \|", (ROOT / "docs/reference/metrics.md").read_text(), re.MULTILINE
)
PROMISED = {
    ("lepton_bad_inputs_total", "counter", "model"),
    ("lepton_candidate_progress_ratio", "gauge", "revision, stage"),
    ("lepton_candidate_stage_left_seconds", "gauge", ""),
    ("lepton_candidate_stage_seconds", "gauge", "stage"),
    ("lepton_errors_total", "counter", "reason"),
    ("lepton_job_starts_total", "counter", "kind"),
    ("lepton_jobs_unfinished", "gauge", ""),
    ("lepton_leader", "gauge", ""),
    ("lepton_model_accuracy_ratio", "gauge", ""),
    ("lepton_model_heals_total", "counter", ""),
    ("lepton_model_info", "gauge", "phase, revision, digest"),
    ("lepton_model_latency_budget_seconds", "gauge", ""),
    ("lepton_model_ready", "gauge", ""),
    ("lepton_model_size_bytes", "gauge", ""),
    ("lepton_model_trouble", "gauge", "condition, reason"),
    ("lepton_models", "gauge", "phase"),
    ("lepton_prediction_confidence_bucket", "counter", "model, le"),
    ("lepton_prediction_confidence_count", "counter", "model"),
    ("lepton_prediction_confidence_sum", "counter", "model"),
    ("lepton_predictions_total", "counter", "model, class"),
    ("lepton_queue_depth", "gauge", ""),
    ("lepton_reconcile_seconds", "histogram", ""),
    ("lepton_reconcile_cpu_seconds", "histogram", ""),
    ("lepton_reconciles_total", "counter", "outcome"),
    ("lepton_server_cpu_seconds_total", "counter", ""),
    ("lepton_server_model_info", "gauge", "model, variant, digest"),
    ("lepton_server_starts_total", "counter", "server"),
    ("lepton_server_up", "gauge", "server"),
    ("lepton_stage_seconds", "histogram", "stage"),
    ("lepton_training_accuracy_ratio", "gauge", "stage"),
    ("lepton_training_epoch", "gauge", "stage"),
    ("lepton_training_epochs", "gauge", "stage"),
    ("lepton_training_examples_per_second", "gauge", "stage"),
    ("lepton_training_loss", "gauge", "stage"),
    ("nv_inference_queue_duration_us", "counter", "model, version"),
    ("nv_inference_request_failure", "counter", "model, version, reason"),
    ("nv_inference_request_success", "counter", "model, version"),
    ("nv_inference_request_summary_us", "summary", "model, version, quantile"),
    ("process_cpu_seconds_total", "counter", ""),
    ("process_resident_memory_bytes", "gauge", ""),
}
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in (ROOT / "manifests/dashboards").glob("*.json")}
RULES = yaml.safe_load((ROOT / "manifests/prometheus/lepton.rules.yml").read_text())


def test_every_metric_that_was_promised_is_there_with_its_labels_and_no_other_is() -> None:
    assert set(REFERENCE) == PROMISED


def used(query: str) -> set[str]:
    """The metrics of ours and of Triton that a query names."""
    names = re.findall(r"(?<![:\w])(?:lepton|nv|process)_\w+(?!:)", query)
    return {re.sub(r"(reconcile_seconds|stage_seconds)_bucket$", r"\1", name) for name in names}


def queries(dashboard: str) -> list[str]:
    return [target["expr"] for panel in DASHBOARDS[dashboard]["panels"] for target in panel["targets"]]


def test_dashboards_and_alerts_ask_only_for_metrics_that_are_documented() -> None:
    known = {name for name, _, _ in PROMISED}
    asked = [query for dashboard in DASHBOARDS for query in queries(dashboard)]
    asked += [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
    assert {name for query in asked for name in used(query)} - known == set()


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
def test_a_dashboard_is_one_that_grafana_takes(dashboard: dict[str, Any]) -> None:
    panels = dashboard["panels"]
    places = {
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in panels
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    }
    assert dashboard["schemaVersion"] >= 36
    assert re.fullmatch(r"[a-z-]{1,40}", dashboard["uid"])
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(places) == sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in panels), "panels overlap"
    assert {x for x, _ in places} == set(range(24))


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
def test_a_dashboard_defines_the_variables_that_it_uses(dashboard: dict[str, Any]) -> None:
    defined = {variable["name"] for variable in dashboard["templating"]["list"]}
    used_ones = set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard))) - {"__rate_interval"}
    assert used_ones == defined


def test_there_is_a_dashboard_for_the_fleet_for_one_model_and_for_training() -> None:
    assert {name: dashboard["title"] for name, dashboard in DASHBOARDS.items()} == {
        "fleet": "Lepton: fleet",
        "model": "Lepton: one model",
        "training": "Lepton: training",
    }
