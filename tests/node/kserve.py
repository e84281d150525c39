"""The real KServe on a node: its CRDs, its settings for Standard mode, its webhooks, its manager as a process."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import yaml

from tests.certificates import self_signed
from tests.node.network import ADDRESS
from tests.node.node import Node
from tests.programs.programs import find, module

_NAMESPACE = "kserve"
_WEBHOOK_PORT = 9443
_WEBHOOKS = f"https://{ADDRESS}:{_WEBHOOK_PORT}"
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
    certificate = _certificate(folder / "k8s-webhook-server" / "serving-certs")
    node.processes.start(
        "kserve",
        [find("kserve"), "--metrics-addr=:18090", "--health-probe-addr=:18091", f"--webhook-port={_WEBHOOK_PORT}"],
        {**os.environ, "KUBECONFIG": str(node.kubeconfig), "POD_NAMESPACE": _NAMESPACE, "TMPDIR": str(folder)},
    )
    kube.apply(*_webhooks(config, certificate))
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


def _webhooks(config: Path, certificate: bytes) -> list[dict[str, Any]]:
    """Its webhooks, asked at the node's address: the manager has no pod and so no Service."""
    documents = list(yaml.safe_load_all((config / "webhook" / "manifests.yaml").read_text()))
    for document in documents:
        for webhook in document["webhooks"]:
            path = webhook["clientConfig"]["service"]["path"]
            trusted = base64.b64encode(certificate).decode()
            webhook["clientConfig"] = {"url": f"{_WEBHOOKS}{path}", "caBundle": trusted}
    return documents


def _certificate(folder: Path) -> bytes:
    """A certificate for the node's address, written where the manager looks for it."""
    folder.mkdir(parents=True)
    certificate, key = self_signed(ADDRESS)
    (folder / "tls.crt").write_bytes(certificate)
    (folder / "tls.key").write_bytes(key)
    return certificate
