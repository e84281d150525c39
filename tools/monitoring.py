"""What prometheus-operator is told, for the chart: manifests/prometheus as one file. Called by tools.generate."""

from pathlib import Path

import yaml

from lepton.spec.document import dump

_SOURCE = Path(__file__).resolve().parent.parent / "manifests" / "prometheus"


def chart_monitoring() -> str:
    """The PodMonitors by name, and the groups of recordings and alerts."""
    monitors = [one for one in yaml.safe_load_all((_SOURCE / "podmonitors.yaml").read_text()) if one]
    rules = yaml.safe_load((_SOURCE / "lepton.rules.yml").read_text())
    made = {"podMonitors": {one["metadata"]["name"]: one["spec"] for one in monitors}, "rules": rules}
    return f"# Made from manifests/prometheus by `make generate`: do not edit.\n{dump(made)}"
