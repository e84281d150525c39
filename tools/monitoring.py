"""What prometheus-operator is told: manifests/prometheus as a PrometheusRule, and for the chart. For tools.generate."""

from pathlib import Path
from typing import Any

import yaml

from lepton.spec.document import dump

_SOURCE = Path(__file__).resolve().parent.parent / "manifests" / "prometheus"


def rule() -> str:
    """Our alerts as prometheus-operator takes them."""
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "lepton", "labels": {"app.kubernetes.io/name": "lepton"}},
        "spec": _rules(),
    }
    return f"# Made from lepton.rules.yml by `make generate`: do not edit.\n{dump(resource)}"


def of_chart() -> str:
    """The PodMonitors by name, and the groups of recordings and alerts."""
    monitors = [one for one in yaml.safe_load_all((_SOURCE / "podmonitors.yaml").read_text()) if one]
    made = {"podMonitors": {one["metadata"]["name"]: one["spec"] for one in monitors}, "rules": _rules()}
    return f"# Made from manifests/prometheus by `make generate`: do not edit.\n{dump(made)}"


def _rules() -> Any:
    return yaml.safe_load((_SOURCE / "lepton.rules.yml").read_text())
