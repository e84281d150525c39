"""What a cluster has beside Kubernetes: storage, KubeRay, KServe, Kueue, a Gateway, Prometheus: all of them real."""

import os
import subprocess
from pathlib import Path

from tests.node import kserve, kueue, monitoring
from tests.node.network import ADDRESS
from tests.node.node import Node
from tests.programs.programs import find, module

GATEWAY_PORT = 8080
_VOLUME = "256m"


def install(node: Node) -> None:
    """Install all of them; they end with the node."""
    _offer_storage(node)
    _install_kuberay(node)
    kserve.install(node)
    kueue.install(node)
    _install_gateway(node)
    monitoring.install(node)


def _offer_storage(node: Node) -> None:
    """A volume for the claim of each release of the chart; small ones, so that a test can fill them."""
    for name in ("volume-0", "volume-1"):
        folder = node.folder / name
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_VOLUME},mode=0777", "tmpfs", folder], check=True)
        spec = {"capacity": {"storage": "20Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": str(folder)}}
        node.kube.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec})


def _install_kuberay(node: Node) -> None:
    _apply_definitions(node, module("kuberay") / "config" / "crd" / "bases", "rayjobs.ray.io")
    command = [find("kuberay"), "-enable-leader-election=false", "-metrics-addr=:18080"]
    _start(node, "kuberay", [*command, "-health-probe-bind-address=:18082"])


def _install_gateway(node: Node) -> None:
    """Traefik, with one Gateway for all namespaces."""
    folder = module("gateway-api") / "config" / "crd" / "standard"
    _apply_definitions(node, folder, "httproutes.gateway.networking.k8s.io")
    listener = {"name": "web", "port": GATEWAY_PORT, "protocol": "HTTP"}
    everywhere = {"allowedRoutes": {"namespaces": {"from": "All"}}}
    spec = {"gatewayClassName": "traefik", "listeners": [{**listener, **everywhere}]}
    version = "gateway.networking.k8s.io/v1"
    controller = {"controllerName": "traefik.io/gateway-controller"}
    node.kube.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gateway"}},
        {"apiVersion": version, "kind": "GatewayClass", "metadata": {"name": "traefik"}, "spec": controller},
        {"apiVersion": version, "kind": "Gateway", "metadata": {"name": "web", "namespace": "gateway"}, "spec": spec},
    )
    entry = f"--entrypoints.web.address={ADDRESS}:{GATEWAY_PORT}"
    _start(node, "traefik", [find("traefik"), entry, "--providers.kubernetesgateway=true", "--log.level=INFO"])


def _start(node: Node, name: str, command: list[str | Path]) -> None:
    node.processes.start(name, command, {**os.environ, "KUBECONFIG": str(node.kubeconfig)})


def _apply_definitions(node: Node, folder: Path, last: str) -> None:
    """Apply the CRDs of a folder, and wait until the API server serves them."""
    node.kube.run("apply", "--server-side", "--force-conflicts", "--filename", str(folder))
    node.wait(lambda: node.kube.ask("get", last).returncode == 0, f"{last} are served")
