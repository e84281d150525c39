"""The real Kueue on a node, as its own manifests configure it: it looks at every kind of workload that it knows."""

import json
import os
import shutil
from pathlib import Path

import yaml

from tests.node.kube import Object
from tests.node.node import Node
from tests.node.webhooks import at_the_node, certificate
from tests.programs.programs import find, module

_NAMESPACE = "kueue-system"
_WEBHOOK_PORT = 9444
_METRICS_CERTIFICATES = "etc/kueue/metrics/certs"
"""Kueue looks for them there and nowhere else."""
_SAMPLE = {
    "apiVersion": "kueue.x-k8s.io/v1beta2",
    "kind": "ResourceFlavor",
    "metadata": {"name": "sample"},
}


def install(node: Node) -> None:
    """Have it ready to take queues, and to hold what is in them."""
    components = module("kueue") / "config" / "components"
    kube = node.kube
    kube.run("apply", "--server-side", "--force-conflicts", "--filename", str(components / "crd" / "bases"))
    node.wait(lambda: kube.ask("get", "clusterqueues").returncode == 0, "Kueue's CRDs are served")
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}})
    trusted = _start(node, components / "manager" / "controller_manager_config.yaml")
    made = list(yaml.safe_load_all(kube.run("kustomize", str(components / "webhook"))))
    webhooks = at_the_node([one for one in made if "webhooks" in one], _WEBHOOK_PORT, trusted)
    kube.apply(*(_renamed(one) for one in webhooks))
    tried = ("apply", "--dry-run=server", "--filename", "-")
    node.wait(lambda: kube.ask(*tried, stdin=json.dumps(_SAMPLE)).returncode == 0, "Kueue answers")


def _start(node: Node, given: Path) -> bytes:
    """In a root of its own, because of the one path that can't be chosen. Returns the certificate of its webhooks."""
    root = node.folder / "kueue"
    trusted = certificate(root / "webhooks")
    certificate(root / _METRICS_CERTIFICATES)
    shutil.copy(find("kueue"), root)
    (root / "kubeconfig").write_text(node.kube.run("config", "view", "--raw", "--flatten"))
    (root / "config.yaml").write_text(yaml.safe_dump(_configuration(given)))
    command: list[str | Path] = ["chroot", root, "/kueue", "--config=/config.yaml"]
    node.processes.start("kueue", command, {**os.environ, "KUBECONFIG": "/kubeconfig"})
    return trusted


def _configuration(given: Path) -> Object:
    """That of its manifests, but for what a pod of a cluster has and a process of the node has not."""
    of_manifests: Object = yaml.safe_load(given.read_text())
    return {
        **of_manifests,
        "health": {"healthProbeBindAddress": ":18093"},
        "metrics": {"bindAddress": "0"},
        "webhook": {"port": _WEBHOOK_PORT, "certDir": "/webhooks"},
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {"enable": False},
        "featureGates": {"VisibilityOnDemand": False},
    }


def _renamed(configuration: Object) -> Object:
    metadata = configuration["metadata"]
    return {**configuration, "metadata": {**metadata, "name": f"kueue-{metadata['name']}"}}
