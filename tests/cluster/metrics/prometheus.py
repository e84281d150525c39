"""A real Prometheus on the loopback address, and the definitions of prometheus-operator for what it is told of us."""

import asyncio
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Self

import yaml

from lepton.backends.kubernetes.client import ApiError, Client
from lepton.backends.kubernetes.kinds import Kind, Object
from tests.cluster.control_plane import ADMIN, ControlPlane
from tests.installation import free_ports, wait_until
from tests.programs.programs import find, module

ROOT = Path(__file__).parents[3]
MANIFESTS = ROOT / "manifests" / "prometheus"
NAMESPACE = "lepton-system"
_GROUP = "monitoring.coreos.com/v1"
KINDS = {
    "PodMonitor": Kind(_GROUP, "PodMonitor", "podmonitors"),
    "PrometheusRule": Kind(_GROUP, "PrometheusRule", "prometheusrules"),
}
_PATIENCE_S = 90.0


class Program:
    """One process in a folder of its own; use it in a with statement."""

    def __init__(self, folder: Path, name: str, *options: str, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._environment = {**os.environ, **environment}
        self.log = folder / f"{name}.log"
        self._command = [str(find(name)), *options]

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._environment)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


class Prometheus(Program):
    """It scrapes what its configuration says."""

    def __init__(self, folder: Path, configuration: dict[str, Any]) -> None:
        folder.mkdir(parents=True)
        (port,) = free_ports(1)
        self._url = f"http://127.0.0.1:{port}"
        file = folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(configuration))
        options = (f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}")
        super().__init__(folder, "prometheus", *options, f"--web.listen-address=127.0.0.1:{port}")

    def __enter__(self) -> Self:
        super().__enter__()
        wait_until(lambda: self.ask("query", query="1") is not None, f"Prometheus, see {self.log}", _PATIENCE_S)
        return self

    def ask(self, what: str, **parameters: str) -> Any:
        """The data of an answer of its API; None while there is none."""
        url = f"{self._url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own Prometheus
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            assert error.code == 503, f"{parameters}: {error.read().decode()}"  # else it is starting
            return None
        except OSError:
            return None

    def series(self, query: str, since: float) -> list[dict[str, Any]]:
        """What a panel shows: the series of a query from then to now."""
        ends = {"start": str(since), "end": str(time.time())}
        found: list[dict[str, Any]] = self.ask("query_range", query=query, step="1", **ends)["result"]
        return found


def for_tests(configuration: dict[str, Any], plane: ControlPlane, ports: dict[int, int]) -> dict[str, Any]:
    """A configuration for a cluster, for a Prometheus outside of it: where the API server is, scrapes each second.

    All pods of the tests are on one address; what a pod has at a port is at another one here.
    """
    cluster = {
        "api_server": plane.url,
        "authorization": {"credentials": ADMIN},
        "tls_config": {"ca_file": str(plane.folder / "certificates" / "apiserver.crt")},
    }
    elsewhere = [
        {
            "source_labels": ["__address__"],
            "regex": f"127.0.0.1:{port}",
            "target_label": "__address__",
            "replacement": f"127.0.0.1:{here}",
        }
        for port, here in ports.items()
    ]
    jobs = [
        {
            **job,
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "kubernetes_sd_configs": [{**one, **cluster} for one in job["kubernetes_sd_configs"]],
            "relabel_configs": [*job["relabel_configs"], *elsewhere],
        }
        for job in configuration["scrape_configs"]
    ]
    quick = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    return {**configuration, "global": {**configuration["global"], **quick}, "scrape_configs": jobs}


async def install_definitions(client: Client) -> None:
    """Apply the real CRDs of prometheus-operator, and wait until the API server serves them."""
    definition = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")
    folder = module("prometheus-operator") / "example" / "prometheus-operator-crd"
    for kind in KINDS.values():
        text = (folder / f"monitoring.coreos.com_{kind.plural}.yaml").read_text()
        await client.apply(definition, yaml.load(text, yaml.CSafeLoader))
    async with asyncio.timeout(_PATIENCE_S):
        for kind in KINDS.values():
            while not await _is_served(client, kind):
                await asyncio.sleep(0.1)


async def apply_monitors(client: Client) -> list[Object]:
    """Apply our monitors and alerts as a user does. Returns them as the API server has them."""
    files = (MANIFESTS / "podmonitors.yaml", MANIFESTS / "rules.yaml")
    given = [one for file in files for one in yaml.safe_load_all(file.read_text())]
    return [
        await client.apply(KINDS[one["kind"]], {**one, "metadata": {**one["metadata"], "namespace": NAMESPACE}})
        for one in given
    ]


async def _is_served(client: Client, kind: Kind) -> bool:
    try:
        await client.list(kind, None)
    except ApiError:
        return False
    return True
