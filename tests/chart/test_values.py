"""The chart's values: each is documented, changes something, and is refused where it is wrong."""

import json
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from lepton.backends.kubernetes.settings import Settings
from tests.chart.helm import CHART, PRESETS, Object, Refused, helm, one, render, values_of

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
OTHER: dict[str, Any] = {
    "images.operator.repository": "r.example/operator",
    "images.operator.tag": "9",
    "images.operator.digest": f"sha256:{'1' * 64}",
    "images.worker.repository": "r.example/worker",
    "images.worker.tag": "9",
    "images.worker.digest": f"sha256:{'2' * 64}",
    "images.server.repository": "r.example/server",
    "images.server.tag": "9",
    "images.server.digest": f"sha256:{'3' * 64}",
    "images.pullSecrets": ["registry"],
    "operator.replicas": 2,
    "operator.resources": {"requests": {"cpu": 1}},
    "operator.priorityClassName": "high",
    "operator.nodeSelector": {"pool": "system"},
    "operator.tolerations": [{"key": "system", "operator": "Exists"}],
    "watch.namespace": "team-a",
    "models.namespaces": ["team-a", "team-b"],
    "storage.create": False,
    "storage.size": "1Ti",
    "storage.storageClassName": "nfs",
    "storage.accessMode": "ReadWriteMany",
    "crd.install": False,
    "metrics.prometheusOperator.create": False,
    "metrics.prometheusOperator.labels": {"release": "prometheus"},
    "metrics.prometheusOperator.interval": "1m",
    "metrics.dashboards.create": False,
    "metrics.dashboards.labels": {"team": "ml"},
    "networkPolicies.create": False,
    "networkPolicies.callers": [{"namespaceSelector": {"matchLabels": {"name": "gateway"}}}],
    "networkPolicies.monitoring": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
    "networkPolicies.kuberay": [{"namespaceSelector": {"matchLabels": {"name": "ray"}}}],
    "networkPolicies.stores": [{"ports": [{"port": 9000}]}],
    "networkPolicies.apiServer": [{"ports": [{"port": 16443}]}],
}
"""Another value for each; those of `settings` are compared as a whole below."""
BASE = ("--set-json", "metrics.prometheusOperator.create=true,metrics.dashboards.create=true")
WRONG = {
    "a misspelt value": ("operator.replica=2", "replica"),
    "no replica": ("operator.replicas=0", "operator/replicas"),
    "a tag that is a number": ("images.worker.tag=1.5", "images/worker/tag"),
    "a digest cut short": ('images.server.digest="sha256:12"', "images/server/digest"),
    "an unknown access mode": ('storage.accessMode="ReadWriteSometimes"', "storage/accessMode"),
    "a size that is none": ('storage.size="much"', "storage/size"),
    "an unknown setting": ("settings.artefacts=1", "artefacts"),
    "a setting of another type": ("settings.claim=5", "settings/claim"),
    "a namespace that can't be one": ('watch.namespace="Team A"', "watch/namespace"),
    "an interval without a unit": ('metrics.prometheusOperator.interval="30"', "interval"),
    "one namespace twice": ('models.namespaces=["a","a"]', "models/namespaces"),
}


def resolved(node: Object) -> Object:
    """A node of the schema with what it refers to."""
    return {**SCHEMA["$defs"][node["$ref"].rpartition("/")[2]], **node} if "$ref" in node else node


def leaves(node: Object, path: str = "") -> Iterator[str]:
    """The paths of the values, as `--set` takes them."""
    for name, field in node["properties"].items():
        below = resolved(field)
        if "properties" in below:
            yield from leaves(below, f"{path}{name}.")
        elif name != "global":
            yield f"{path}{name}"


LEAVES = list(leaves(SCHEMA))


def test_every_value_is_described_and_nothing_else_is_taken() -> None:
    sections = [node for node in (SCHEMA, *SCHEMA["$defs"].values()) if "properties" in node]
    for section in sections:
        assert section["additionalProperties"] is False
        assert all(resolved(field)["description"] for field in section["properties"].values())
    lines = (CHART / "values.yaml").read_text().splitlines()
    for above, line in pairwise(lines):
        name = line.strip().partition(":")[0]
        if any(leaf.rpartition(".")[2] == name for leaf in LEAVES):
            assert above.strip().startswith("#"), f"{name} is not explained"


def test_every_value_outside_of_the_settings_is_tried() -> None:
    assert {leaf for leaf in LEAVES if not leaf.startswith("settings.")} == set(OTHER)


@pytest.mark.parametrize("path", OTHER)
def test_every_value_changes_something(path: str) -> None:
    assert render(*BASE, "--set-json", f"{path}={json.dumps(OTHER[path])}") != render(*BASE)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_settings_that_it_writes_are_those_that_the_operator_reads(preset: str) -> None:
    config = one(render(*values_of(preset)), "ConfigMap")
    written = yaml.safe_load(config["data"]["settings.yaml"])
    read = Settings.model_validate(written)
    path = PRESETS[preset]
    given = yaml.safe_load(path.read_text()).get("settings", {}) if path else {}
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    images = {f"{name}Image": f"leptonml/{name}:{version}" for name in ("worker", "server")}
    secrets = {"pullSecrets": DEFAULTS["images"]["pullSecrets"]}
    assert read == Settings.model_validate({**DEFAULTS["settings"], **given, **images, **secrets})
    assert set(written) == set(read.model_dump(by_alias=True, exclude_none=True))


@pytest.mark.parametrize(("wrong", "named"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused_by_its_name(wrong: str, named: str) -> None:
    with pytest.raises(Refused) as refused:
        render("--set-json", wrong)
    assert named in str(refused.value)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_chart_passes_helms_strict_lint(preset: str) -> None:
    helm("lint", "--strict", "--quiet", str(CHART), *values_of(preset))


def test_the_chart_installs_this_version_of_lepton() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_it_can_be_part_of_another_chart(tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "lepton").symlink_to(CHART)
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: ours\nversion: 1.0.0\n")
    objects = render("--set", "global.team=a", "--set", "lepton.operator.replicas=2", chart=tmp_path)
    assert one(objects, "Deployment")["spec"]["replicas"] == 2


def test_what_prometheus_operator_is_told_is_what_the_manifests_say() -> None:
    objects = render(*BASE)
    folder = ROOT / "manifests" / "prometheus"
    monitors = list(yaml.safe_load_all((folder / "podmonitors.yaml").read_text()))
    assert {it["metadata"]["name"]: it["spec"] for it in objects if it["kind"] == "PodMonitor"} == {
        it["metadata"]["name"]: it["spec"] for it in monitors
    }
    assert one(objects, "PrometheusRule", "lepton")["spec"] == yaml.safe_load((folder / "lepton.rules.yml").read_text())


def test_one_interval_is_that_of_all_scrapes() -> None:
    objects = render(*BASE, "--set", "metrics.prometheusOperator.interval=1m")
    monitors = [it["spec"]["podMetricsEndpoints"] for it in objects if it["kind"] == "PodMonitor"]
    assert [[one["interval"] for one in endpoints] for endpoints in monitors] == [["1m"], ["1m"], ["1m", "1m"]]


def test_each_dashboard_is_where_grafanas_sidecar_looks_for_it() -> None:
    objects = [it for it in render(*BASE) if "grafana_dashboard" in it["metadata"].get("labels", {})]
    files = sorted((ROOT / "manifests" / "dashboards").glob("*.json"))
    assert {(it["kind"], it["metadata"]["namespace"]) for it in objects} == {("ConfigMap", "lepton-system")}
    assert {name: json.loads(text) for it in objects for name, text in it["data"].items()} == {
        f"lepton-{path.name}": json.loads(path.read_text()) for path in files
    }


def test_the_secrets_of_the_registry_are_those_of_every_pod() -> None:
    objects = render("--set", "images.pullSecrets={registry,other}")
    settings = yaml.safe_load(one(objects, "ConfigMap")["data"]["settings.yaml"])
    assert settings["pullSecrets"] == ["registry", "other"]
    pod = one(objects, "Deployment")["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "registry"}, {"name": "other"}]


def test_in_one_namespace_it_watches_the_pods_of_that_one() -> None:
    objects = render(*BASE, *values_of("namespaced"))
    monitors = {it["metadata"]["name"]: it["spec"] for it in objects if it["kind"] == "PodMonitor"}
    assert {name: spec.get("namespaceSelector") for name, spec in monitors.items()} == {
        "lepton": None,  # its own
        "lepton-server": {"matchNames": ["team-a"]},
        "lepton-ray": {"matchNames": ["team-a"]},
    }


def test_in_one_namespace_it_asks_for_no_right_in_any_other() -> None:
    objects = render(*values_of("namespaced"))
    assert not [it for it in objects if it["kind"].startswith("Cluster") or it["kind"].startswith("CustomResource")]
    roles = {it["metadata"]["namespace"]: it["rules"] for it in objects if it["kind"] == "Role"}
    whole = one(render(), "ClusterRole")["rules"]
    assert roles["team-a"] == whole
    assert set(roles) == {"team-a", "lepton-system"}
