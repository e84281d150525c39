"""The real prometheus-operator on a node, and the Prometheus that it runs there: a pod with a reloader beside it.

It takes every PodMonitor and every rule of every namespace, with the rights that the operator's own example gives it.
"""

import os

import yaml

from tests.node import images
from tests.node.kube import Object
from tests.node.node import Node
from tests.programs.programs import find, module

NAMESPACE = "monitoring"
_GROUP = "monitoring.coreos.com"
_NAME = "prometheus"
_LISTEN = "127.0.0.1:18095"
_EVERY = {"podMonitorSelector": {}, "podMonitorNamespaceSelector": {}, "ruleSelector": {}, "ruleNamespaceSelector": {}}
_USER = {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001}


def install(node: Node) -> None:
    """Have a Prometheus that scrapes whatever is monitored."""
    example = module("prometheus-operator") / "example"
    kube = node.kube
    kube.run("apply", "--server-side", "--filename", str(example / "prometheus-operator-crd"))
    node.wait(
        lambda: kube.ask("get", f"prometheuses.{_GROUP}").returncode == 0, "prometheus-operator's CRDs are served"
    )
    role: Object = yaml.safe_load((example / "rbac" / "prometheus" / "prometheus-cluster-role.yaml").read_text())
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, role, *_account(role))
    reloader = f"--prometheus-config-reloader={images.tag('prometheus-config-reloader')}"
    node.processes.start(
        "prometheus-operator",
        [find("prometheus-operator"), f"--web.listen-address={_LISTEN}", reloader, "--localhost=127.0.0.1"],
        {**os.environ, "KUBECONFIG": str(node.kubeconfig)},
    )
    kube.apply(_prometheus())


def _account(role: Object) -> list[Object]:
    metadata = {"name": _NAME, "namespace": NAMESPACE}
    rights = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{rights}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": _NAME},
        "roleRef": {"apiGroup": rights, "kind": "ClusterRole", "name": role["metadata"]["name"]},
        "subjects": [{"kind": "ServiceAccount", **metadata}],
    }
    return [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}, binding]


def _prometheus() -> Object:
    own = {"image": images.tag("prometheus"), "serviceAccountName": _NAME, "securityContext": _USER}
    spec = {**own, **_EVERY, "replicas": 1, "evaluationInterval": "5s"}
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "Prometheus",
        "metadata": {"name": _NAME, "namespace": NAMESPACE},
        "spec": spec,
    }
