"""Each query of each panel finds data in a real Prometheus that watched a real run, without prometheus-operator."""

import asyncio
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.control_plane import ControlPlane
from tests.cluster.metrics import real_run
from tests.cluster.metrics.prometheus import MANIFESTS, ROOT, Prometheus, for_tests
from tests.cluster.operator import Operator
from tests.cluster.world import World
from tests.installation import free_ports, wait_until

DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in (ROOT / "manifests" / "dashboards").glob("*.json")}
VARIABLES = {"$__rate_interval": "10s", "$namespace": real_run.DIGITS.namespace, "$model": real_run.DIGITS.name}
pytestmark = pytest.mark.timeout(600)  # the first of them waits for the whole run


@dataclass(frozen=True)
class Watched:
    """What saw the run, and since when."""

    by: Prometheus
    since: float


def substituted(query: str) -> str:
    for variable, value in VARIABLES.items():
        query = query.replace(variable, value)
    return query


@pytest.fixture(scope="module")
def watched(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder, since = tmp_path_factory.mktemp("watched"), time.time()
    http, grpc, metrics, state = free_ports(4)
    ports = {"http": http, "grpc": grpc, "metrics": metrics, "state": state}
    told = yaml.safe_load((MANIFESTS / "kubernetes.yml").read_text())
    told["rule_files"] = [str(MANIFESTS / name) for name in told["rule_files"]]
    configuration = for_tests(told, control_plane, {8002: metrics, 8003: state})
    operator = Operator(control_plane, folder / "operator")
    with Prometheus(folder / "prometheus", configuration) as prometheus, operator:
        asyncio.run(lived(control_plane, operator.port, folder, ports, prometheus))
        yield Watched(prometheus, since)


async def lived(plane: ControlPlane, operator_port: int, folder: Path, ports: dict[str, int], by: Prometheus) -> None:
    """The run, until Prometheus has seen what comes last."""

    def has(query: str) -> Callable[[], bool]:
        return lambda: bool(by.ask("query", query=query)["result"])

    async with World(plane.kubeconfig) as world:
        try:
            await real_run.place_operator(world, operator_port)
            await real_run.fail(world)
            made = await real_run.build(plane, world, folder, has("lepton_training_accuracy_ratio"))
            await real_run.pass_gate(world, made)
            with real_run.serving(made, folder, ports):
                await real_run.give_address(world, made)
                for sign in ("lepton_server_model_info", "rate(lepton_bad_inputs_total[10s]) > 0"):
                    await asyncio.to_thread(wait_until, asking(ports["http"], has(sign)), sign, 60)
        finally:
            await world.clean()


def asking(port: int, holds: Callable[[], bool]) -> Callable[[], bool]:
    """Ask the server for something, then see whether it holds."""

    def asked() -> bool:
        real_run.ask(port)
        return holds()

    return asked


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_query_of_a_dashboard_finds_data(watched: Watched, name: str) -> None:
    queries = [substituted(target["expr"]) for panel in DASHBOARDS[name]["panels"] for target in panel["targets"]]
    without = [query for query in queries if not has_data(watched.by.series(query, watched.since))]
    assert without == []


def has_data(found: list[dict[str, Any]]) -> bool:
    return any(not math.isnan(float(value)) for series in found for _, value in series["values"])


def test_the_variables_of_the_dashboards_offer_the_models_that_there_are(watched: Watched) -> None:
    found = watched.by.series("lepton_model_ready", watched.since)
    models = {(one["metric"]["namespace"], one["metric"]["model"]) for one in found}
    assert models == {(key.namespace, key.name) for key in (real_run.DIGITS, real_run.PETS, real_run.REFUSED)}


def test_each_recording_rule_has_found_data(watched: Watched) -> None:
    groups: list[dict[str, Any]] = watched.by.ask("rules", type="record")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"]: rule["health"] for rule in rules} == dict.fromkeys((rule["name"] for rule in rules), "ok")
    for rule in rules:
        assert watched.by.series(rule["name"], watched.since), rule["name"]


def test_only_what_is_meant_is_read_from_a_pods_state(watched: Watched) -> None:
    of_us = '{__name__=~"lepton_(queue_depth|jobs_unfinished)", job="lepton-server"}'
    assert watched.by.series(of_us, watched.since) == []
