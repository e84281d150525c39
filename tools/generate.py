"""Writes what is made from the types and the metrics: `make generate`. A test fails when a file is stale."""

import json
from pathlib import Path

from lepton.backends.local import metrics
from lepton.spec.document import dump
from lepton.spec.reference import reference
from lepton.spec.schema import custom_resource_definition, editor_schema

ROOT = Path(__file__).resolve().parent.parent


def outputs() -> dict[str, str]:
    """Every generated file: its path in the repository, and its text."""
    crd = dump(custom_resource_definition())
    return {
        "manifests/crds/leptonmodels.yaml": f"# Made from lepton/spec by `make generate`: do not edit.\n{crd}",
        "docs/reference/leptonmodel.schema.json": json.dumps(editor_schema(), indent=2) + "\n",
        "docs/reference/metrics.md": metrics.page(),
        "docs/reference/spec.md": reference(),
    }


def main() -> None:
    """Write them all."""
    for path, text in outputs().items():
        file = ROOT / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


if __name__ == "__main__":
    main()
