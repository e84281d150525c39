"""What is told while something goes on: `delete` and `get -w`, each a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import CONFIG_MAP
from lepton.backends.kubernetes.names import MODEL
from tests.cluster.cli.harness import NAMESPACE, PATIENCE_S, Cluster, File


def test_a_deletion_says_what_it_waits_for(cluster: Cluster, file: File) -> None:
    cluster.ok("apply", "-f", file("held"), "--wait")

    async def hold(client: Client) -> str:
        found, _ = await client.list(CONFIG_MAP, NAMESPACE, f"{MODEL}=held")
        name: str = next(one["metadata"]["name"] for one in found if "-build-" in one["metadata"]["name"])
        await client.merge(CONFIG_MAP, NAMESPACE, name, {"metadata": {"finalizers": ["tests/held"]}})
        return name

    name = cluster.ask(hold)
    with command(cluster, "delete", "held") as process:
        assert process.stderr is not None
        assert any(f"ConfigMap {name}" in line for line in process.stderr)
        changes = {"metadata": {"finalizers": None}}
        cluster.ask(lambda client: client.merge(CONFIG_MAP, NAMESPACE, name, changes))
        assert process.wait(PATIENCE_S) == 0


def test_get_w_tells_every_change_until_it_is_interrupted(cluster: Cluster, file: File) -> None:
    path = file("seen")
    cluster.ok("apply", "-f", path)
    cluster.ok("wait", "seen")
    with command(cluster, "get", "seen", "-w") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "seen\tServing\trevision 1 answers\n"
        cluster.ok("suspend", "seen")
        assert any(line.startswith("seen\tSuspended") for line in process.stdout)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
    cluster.ok("delete", "seen")


@contextmanager
def command(cluster: Cluster, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own, which hears SIGINT even where the tests run in the background."""
    line = [
        "env",
        "--default-signal=INT",
        sys.executable,
        "-c",
        "from lepton.cli.app import main; main()",
        "--context",
        "tests",
        *words,
    ]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(line, env={**os.environ, "PYTHONUNBUFFERED": "1"}, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()
