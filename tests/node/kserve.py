"""The real KServe on a node: its CRDs, its settings for Standard mode, its webhooks, its manager as a process."""

import json
import os
from pathlib import Path
from typing import Any

import yaml

from tests.node.node import Node
from tests.node.webhooks import at_the_node, certificate
from tests.programs.programs import find, module

_NAMESPACE = "kserve"
_WEBHOOK_PORT = 9443
_INGRESS = {"ingressGateway": "none/none", "ingressClassName": "none", "disableIngressCreation": True}
"""The routes are Lepton's own."""


def install(node: Node) -> None:
    """Have it ready to take InferenceServices."""
    config = module("kserve") / "config"
    kube = node.kube
    kube.run("apply", "--server-side", "--force-conflicts", "--kustomize", str(config / "crd"))
    node.wait(lambda: kube.ask("get", "inferenceservices").returncode == 0, "KServe's CRDs are served")
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}}, _settings(config))
    folder = node.folder / "kserve"
    trusted = certificate(folder / "k8s-webhook-server" / "serving-certs")
    node.processes.start(
        "kserve",
        [find("kserve"), "--metrics-addr=:18090", "--health-probe-addr=:18091", f"--webhook-port={_WEBHOOK_PORT}"],
        {**os.environ, "KUBECONFIG": str(node.kubeconfig), "POD_NAMESPACE": _NAMESPACE, "TMPDIR": str(folder)},
    )
    webhooks = list(yaml.safe_load_all((config / "webhook" / "manifests.yaml").read_text()))
    kube.apply(*at_the_node(webhooks, _WEBHOOK_PORT, trusted))
    node.wait(lambda: kube.ask(*_TRY, stdin=_SAMPLE).returncode == 0, "KServe answers")


_TRY = ("apply", "--dry-run=server", "--filename", "-")
_SAMPLE = json.dumps(
    {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "sample", "annotations": {"serving.kserve.io/deploymentMode": "Standard"}},
        "spec": {"predictor": {"containers": [{"name": "kserve-container", "image": "none"}]}},
    }
)


def _settings(config: Path) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((config / "configmap" / "inferenceservice.yaml").read_text())
    settings["metadata"]["namespace"] = _NAMESPACE
    settings["data"]["ingress"] = json.dumps(_INGRESS)
    settings["data"]["deploy"] = json.dumps({"defaultDeploymentMode": "Standard"})
    return settings
