"""What the operator may do: manifests/rbac/operator.yaml, for the chart and as a page. Called by tools.generate.

That file is the one source, and tests/cluster/test_rights.py proves it: all of it is used, and it suffices. Why a rule
is there stands in a comment above it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lepton.spec.document import dump

Rule = dict[str, list[str]]
_SOURCE = Path(__file__).resolve().parent.parent / "manifests" / "rbac" / "operator.yaml"
_WHERE = {"ClusterRole": "models", "Role": "home"}
"""Rights in the namespaces of models, and rights in the operator's own."""


def chart_rules() -> str:
    """The rules as the chart reads them: in the operator's own namespace, and where models live."""
    found: dict[str, Any] = {_WHERE[one["kind"]]: one["rules"] for one in _documents() if "rules" in one}
    return f"# Made from manifests/rbac/operator.yaml by `make generate`: do not edit.\n{dump(found)}"


def explained() -> list[tuple[str, Rule, str]]:
    """Every rule, where it holds, and what it is for. Raises ValueError where nobody said."""
    reasons = _reasons()
    return [(_WHERE[one["kind"]], rule, next(reasons)) for one in _documents() for rule in one.get("rules", ())]


def _documents() -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(_SOURCE.read_text()) if one]


def _reasons() -> Iterator[str]:
    """The comment above each rule, in their order."""
    comment: list[str] = []
    for line in _SOURCE.read_text().splitlines():
        if line.startswith("# "):
            comment.append(line.removeprefix("# "))
            continue
        if line.startswith("- apiGroups:"):
            if not comment:
                raise ValueError(f"{_SOURCE.name} has the rule {line!r} without a comment: say above it what it is for")
            yield " ".join(comment)
        comment = []


_HEAD = """\
# What the operator may do, and why

Made from `manifests/rbac/operator.yaml` by `make generate`: do not edit. A test lives through a model's whole life on a
real API server and compares what the operator asked for with this list: nothing is missing and nothing is unused.

The chart grants it as a ClusterRole, or, with `watch.namespace`, as a Role in that namespace alone. Each job runs under
a service account of its own that may patch one ConfigMap, its report, and do nothing else; servers have none. The
operator may give away only what it has itself, so it can't make an account that may do more than it may.

People get no more than they had: whoever may view or edit what is in a namespace may view or edit the models there.
That is a ClusterRole each, which Kubernetes adds to its own `view`, `edit` and `admin`; with `watch.namespace` there is
none.
"""
_TITLES = {"models": "Where models live", "home": "In its own namespace"}


def page() -> str:
    """The reference of the rights."""
    lines = [_HEAD]
    for where, title in _TITLES.items():
        lines += [f"## {title}", "", "| resources | verbs | what for |", "| --- | --- | --- |"]
        lines += [_row(rule, why) for there, rule, why in explained() if there == where]
        lines.append("")
    return "\n".join(lines)


def _row(rule: Rule, why: str) -> str:
    groups = {group: f".{group}" if group else "" for group in rule["apiGroups"]}
    resources = [f"`{resource}{suffix}`" for suffix in groups.values() for resource in rule["resources"]]
    return f"| {', '.join(resources)} | {', '.join(rule['verbs'])} | {why} |"
