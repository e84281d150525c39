"""Writes what is made from the types, metrics and rights: `make generate`. A test fails when a file is stale."""

import json
from pathlib import Path
from typing import Any

from lepton.spec.document import dump
from lepton.spec.reference import reference
from lepton.spec.schema import custom_resource_definition, editor_schema
from tools import chart, dashboards, metrics, monitoring, rights

ROOT = Path(__file__).resolve().parent.parent


def outputs() -> dict[str, str]:
    """Every generated file: its path in the repository, and its text."""
    crd = custom_resource_definition()
    mark = "# Made from lepton/spec by `make generate`: do not edit.\n"
    return {
        "manifests/crds/leptonmodels.yaml": mark + dump(crd),
        "charts/lepton/files/crd.yaml": mark + dump(_kept(crd)),
        "charts/lepton/files/rules.yaml": rights.chart_rules(),
        "charts/lepton/files/monitoring.yaml": monitoring.of_chart(),
        "charts/lepton/values.yaml": chart.values(),
        "charts/lepton/values.schema.json": chart.schema(),
        "docs/reference/chart.md": chart.page(),
        "docs/reference/rbac.md": rights.page(),
        "docs/reference/leptonmodel.schema.json": json.dumps(editor_schema(), indent=2) + "\n",
        "docs/reference/metrics.md": metrics.page(),
        "docs/reference/spec.md": reference(),
        "manifests/prometheus/rules.yaml": monitoring.rule(),
        **{
            f"{folder}/{name}.json": text
            for folder in ("manifests/dashboards", "charts/lepton/files/dashboards")
            for name, text in dashboards.texts().items()
        },
    }


def _kept(crd: dict[str, Any]) -> dict[str, Any]:
    """The definition as the chart has it: a release upgrades it and never deletes it, for all models go with it."""
    annotations = {**crd["metadata"].get("annotations", {}), "helm.sh/resource-policy": "keep"}
    return {**crd, "metadata": {**crd["metadata"], "annotations": annotations}}


def main() -> None:
    """Write them all."""
    for path, text in outputs().items():
        file = ROOT / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


if __name__ == "__main__":
    main()
