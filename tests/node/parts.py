"""What a cluster has beside Kubernetes: storage, and KubeRay. Each is the real controller, as a process of the node."""

import os
from pathlib import Path
from typing import Self

from tests.installation import wait_until
from tests.node.node import Node
from tests.programs.programs import find, module

KUBERAY = "github.com/ray-project/kuberay/ray-operator@v1.6.2"
_PATIENCE_S = 60.0


class Parts:
    """Use it in a with statement, inside that of its node, which ends what is started here."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __enter__(self) -> Self:
        self._offer_storage()
        self._install_kuberay()
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _offer_storage(self) -> None:
        """One volume for the claim of the chart."""
        folder = self._node.folder / "volume"
        folder.mkdir()
        folder.chmod(0o777)
        spec = {"capacity": {"storage": "20Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": str(folder)}}
        self._node.kube.apply(
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "lepton"}, "spec": spec}
        )

    def _install_kuberay(self) -> None:
        self._apply_definitions(module("kuberay", KUBERAY) / "config" / "crd" / "bases", "rayjobs.ray.io")
        command = [find("kuberay"), "-enable-leader-election=false", "-metrics-addr=:18080"]
        self._start("kuberay", [*command, "-health-probe-bind-address=:18082"])

    def _start(self, name: str, command: list[str | Path]) -> None:
        environment = {**os.environ, "KUBECONFIG": str(self._node.kubeconfig)}
        self._node.processes.start(name, command, environment)

    def _apply_definitions(self, folder: Path, last: str) -> None:
        """Apply the CRDs of a folder, and wait until the API server serves them."""
        kube = self._node.kube
        kube.run("apply", "--server-side", "--force-conflicts", "--filename", str(folder))
        wait_until(lambda: kube.ask("get", last).returncode == 0, f"{last} are served", _PATIENCE_S)
