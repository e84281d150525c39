"""A release of the chart on a control plane, by a real Helm."""

from pathlib import Path

from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import Kind
from tests.chart.cluster import ask
from tests.chart.helm import CHART, HOME, helm
from tests.cluster.control_plane import ControlPlane
from tests.cluster.parts import CRD

CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
DEFINITION = "leptonmodels.leptonml.dev"


class Release:
    """One of them, in the namespace of the tests."""

    def __init__(self, plane: ControlPlane, name: str = "lepton") -> None:
        self._plane = plane
        self._name = name

    def run(self, verb: str, *options: str, chart: Path | None = CHART) -> str:
        """What Helm prints. Raises Refused."""
        charts = [str(chart)] if chart else []
        access = ("--kubeconfig", str(self._plane.kubeconfig), "--namespace", HOME)
        return helm(verb, self._name, *charts, *access, *options)

    def clean(self) -> None:
        """Uninstall it, and delete what it leaves."""
        self.run("uninstall", "--ignore-not-found", chart=None)
        ask(self._plane, _clean)


async def _clean(client: Client) -> None:
    await client.delete(CRD, "", DEFINITION)
    for namespace in ("team-a", "team-b"):
        await client.delete(CLAIM, namespace, "lepton")
