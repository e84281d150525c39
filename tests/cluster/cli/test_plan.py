"""`lepton plan` says what would change, and changes nothing."""

import json
from pathlib import Path

from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import CONFIG_MAP, Kind, Object
from lepton.backends.kubernetes.names import MODEL
from tests.cluster.cli.harness import NAMESPACE, PATIENCE_S, Cluster, File
from tests.cluster.control_plane import ControlPlane
from tests.installation import wait_until


def writes(plane: ControlPlane) -> list[str]:
    """All that anybody but the control plane itself has made, changed or deleted in the namespace of the models."""
    events = [json.loads(line) for line in plane.audit.read_text().splitlines()]
    return [
        f"{one['verb']} {one['objectRef'].get('resource')} {one['objectRef'].get('name')}"
        for one in events
        if one["verb"] not in ("get", "list", "watch")
        and one.get("objectRef", {}).get("namespace") == NAMESPACE
        and "dryRun=All" not in one["requestURI"]
    ]


def test_a_plan_says_what_would_change_and_changes_nothing(cluster: Cluster, file: File) -> None:
    def planned(path: Path) -> str:
        before = writes(cluster.plane)
        said = cluster.ok("plan", "-f", path)
        assert writes(cluster.plane) == before
        return said

    first, second = file("planned"), file("planned", "train: {epochs: 4}")
    new = planned(first)
    assert new.startswith("planned would be created\n")
    assert "comes: Service planned, servers planned-served-????????" in new
    cluster.ok("apply", "-f", first, "--wait")
    wait_until(lambda: not cluster.ask(_baselines), "the gate's servers are gone", PATIENCE_S)
    assert planned(first) == "planned would stay as it is\n"
    changed = planned(second)
    assert changed.startswith("planned would change; in the end revision 2 serves, after a build\n")
    assert "train.epochs: 3 -> 4" in changed
    cluster.ok("apply", "-f", second, "--wait")
    wait_until(lambda: not cluster.ask(_baselines), "the gate's servers are gone", PATIENCE_S)
    foretold = {word for word in changed.split() if word.startswith("planned-build-")}
    there = cluster.ask(lambda client: client.list(CONFIG_MAP, NAMESPACE, f"{MODEL}=planned"))[0]
    assert foretold & {one["metadata"]["name"] for one in there}
    back = planned(first)
    assert back.startswith("planned would change; in the end revision 1 serves, without a build\n")
    cluster.ok("delete", "planned")


async def _baselines(client: Client) -> list[Object]:
    deployments = Kind("apps/v1", "Deployment", "deployments")
    found, _ = await client.list(deployments, NAMESPACE, f"{MODEL}=planned")
    return [one for one in found if "-baseline-" in one["metadata"]["name"]]
