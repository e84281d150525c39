"""The samples scrape what there is to scrape."""

from pathlib import Path
from typing import Any

import yaml

from lepton.backends.kubernetes.names import JOB_LABEL, WORKLOAD
from lepton.backends.kubernetes.render.workload import deployment
from lepton.backends.kubernetes.settings import Settings
from lepton.backends.local import home
from lepton.plan.types import Key, Traffic

PROMETHEUS = Path(__file__).parents[3] / "manifests" / "prometheus"
SETTINGS = Settings(worker_image="worker", server_image="server", artifacts="s3://models")


def monitors() -> dict[str, Any]:
    documents = yaml.safe_load_all((PROMETHEUS / "podmonitors.yaml").read_text())
    return {one["metadata"]["name"]: one["spec"] for one in documents}


def test_on_a_laptop_it_scrapes_the_ports_that_up_chooses() -> None:
    sample = yaml.safe_load((PROMETHEUS / "lepton.yml").read_text())
    targets = {one["job_name"]: one["static_configs"][0]["targets"] for one in sample["scrape_configs"]}
    settings = home.Settings()
    assert targets == {
        "lepton": [f"127.0.0.1:{settings.metrics_port}"],
        "lepton-server": [f"127.0.0.1:{settings.triton_metrics_port}"],
    }


def test_on_a_cluster_it_scrapes_ports_that_serving_pods_declare() -> None:
    traffic = Traffic("pets", 1, "s3://models/pets", f"sha256:{'0' * 64}", 1)
    template = deployment(Key("default", "pets"), "uid", "pets-served", traffic, SETTINGS)["spec"]["template"]
    declared = {port["name"] for port in template["spec"]["containers"][0]["ports"]}
    monitor = monitors()["lepton-server"]
    assert WORKLOAD in template["metadata"]["labels"]
    assert monitor["selector"]["matchExpressions"] == [{"key": WORKLOAD, "operator": "Exists"}]
    assert {one["port"] for one in monitor["podMetricsEndpoints"]} == {"metrics", "state"} <= declared


def test_of_ray_it_scrapes_the_pods_of_our_jobs() -> None:
    assert {one["key"] for one in monitors()["lepton-ray"]["selector"]["matchExpressions"]} == {
        JOB_LABEL,
        "ray.io/cluster",
    }
