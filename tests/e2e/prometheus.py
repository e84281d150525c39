"""The Prometheus of the cluster, asked as Grafana does; reached through the API server, which leads to its Service.

LEPTON_E2E_PROMETHEUS names it, as NAMESPACE/SERVICE:PORT; by default it is that of tests.node.monitoring.
"""

import json
import math
import os
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.node.kube import Kube
from tests.programs.programs import ROOT

_STEP_S, _BACK_S = 5, 3600
Series = dict[str, Any]


def queries(dashboard: str, model: str) -> list[tuple[str, str]]:
    """Each query with its panel, as Grafana asks it of a model."""
    variables = {"$__rate_interval": "1m", "$namespace": "default", "$model": model}
    found = []
    for panel in json.loads((ROOT / "manifests" / "dashboards" / f"{dashboard}.json").read_text())["panels"]:
        for target in panel["targets"]:
            query = target["expr"]
            for variable, value in variables.items():
                query = query.replace(variable, value)
            found.append((panel["title"], query))
    return found


def _rules(*kinds: str) -> dict[str, str]:
    """The expression of each recording or alert, by name."""
    groups = yaml.safe_load((ROOT / "manifests" / "prometheus" / "lepton.rules.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    return {rule[kind]: rule["expr"] for kind in kinds for rule in rules if kind in rule}


RULES, ALERTS = _rules("record", "alert"), list(_rules("alert"))
MAYBE_UNSEEN = {'{__name__="lepton_model_trouble", condition="Serving"}'}
"""What alerts read and the life of digits need not show, for it loses no server. tests/cluster/metrics plays it."""


class Prometheus:
    """What it has seen in the last hour."""

    def __init__(self, kube: Kube) -> None:
        namespace, _, service = os.environ.get("LEPTON_E2E_PROMETHEUS", "monitoring/prometheus-operated:web").partition(
            "/"
        )
        self._kube = kube
        self._path = f"/api/v1/namespaces/{namespace}/services/{service}/proxy/api/v1"

    def series(self, query: str) -> list[Series]:
        """What a panel shows: the series of a query that have a value at some time."""
        ends = {"start": str(time.time() - _BACK_S), "end": str(time.time())}
        found: list[Series] = self._ask("query_range", query=query, step=str(_STEP_S), **ends)["result"]
        return [one for one in found if any(not math.isnan(float(value)) for _, value in one["values"])]

    def rules(self) -> dict[str, str]:
        """Each recording and alert that it evaluates, and whether that succeeds."""
        groups = self._ask("rules")["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    def read_by(self, query: str) -> set[str]:
        """The selectors of series in a query, each as a query of its own."""
        return set(_selectors(self._ask("parse_query", query=query)))

    def _ask(self, what: str, **parameters: str) -> Any:
        return json.loads(self._kube.run("get", "--raw", f"{self._path}/{what}?{urlencode(parameters)}"))["data"]


def _selectors(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for below in node:
            yield from _selectors(below)
    elif isinstance(node, dict):
        if node.get("type") in ("vectorSelector", "matrixSelector"):
            matchers = (f"{one['name']}{one['type']}{json.dumps(one['value'])}" for one in node["matchers"])
            yield f"{{{', '.join(sorted(matchers))}}}"
        for below in node.values():
            yield from _selectors(below)
