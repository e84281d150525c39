"""`make bench-operator`: what the operator's runtime costs, beside the same task on kopf and on a bare loop.

On a real API server, with Ray and the servers played. Each runtime takes `--beside` models from apply to Ready and is
then restarted; then Lepton's alone does so with `--models`. Where there is no time to let that many live, `--lived` is
how many do: the others are copies of one of them, made while the operator is down, and count for the restart alone.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient
from msgspec.json import decode

from bench.operator.audit import Writes
from bench.operator.clone import clone
from bench.operator.runtimes import Runtime
from lepton.backends.kubernetes.client import Client
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, Kind, Object
from tests.cluster.conftest import install
from tests.cluster.control_plane import ControlPlane
from tests.cluster.harness import SETTINGS
from tests.cluster.operator import NAMESPACE
from tests.cluster.world import token
from tests.contract.harness import digits
from tests.installation import free_ports

ACCOUNT = "lepton-operator"
_CONTROLLERS = "serviceaccount-controller,namespace-controller"
_AT_ONCE = 8
_QUIET_S = 3.0
"""Without a write for so long, everything is settled."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one runtime."""

    runtime: str
    models: int
    ready_s: float
    passes_per_model: float
    writes_per_model: float
    status_writes_per_model: float
    most_status_writes: int
    writes_per_object: float
    """Writes besides those of status for each object created or deleted."""
    cpu_s_per_model: float
    pass_cpu_p50_ms: float
    pass_cpu_p99_ms: float
    peak_mib: float
    restarted_models: int
    restart_s: float
    restart_cpu_s: float
    restart_writes: int
    restart_peak_mib: float


def measure(name: str, models: int, patience_s: float, copies: int = 0) -> Figures:
    """One runtime, from an empty control plane to a restart with all settled, and some copies more."""
    with (
        tempfile.TemporaryDirectory(prefix="lepton-bench-") as folder,
        ControlPlane(Path(folder) / "plane", _CONTROLLERS) as plane,
    ):
        asyncio.run(install(plane))
        runtime = _runtime(name, plane, Path(folder))
        writes = Writes(plane.audit, f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}")
        runtime.start()
        try:
            with _playing(plane):
                began = time.monotonic()
                asyncio.run(_apply_all(plane, models))
                _wait_until_ready(plane, models, runtime, began + patience_s)
                ready_s = time.monotonic() - began
                _settle(runtime, writes)
            told, peak_mib, cpu_s = runtime.told(), runtime.peak_mib(), runtime.cpu_s()
            by_kind = {kind: round(count / models, 2) for kind, count in writes.kinds.most_common()}
            print(f"{name}: writes per model by kind: {by_kind}", flush=True)
            runtime.end()
            asyncio.run(_clone(plane, copies))
            writes_before, made, status = writes.total, writes.made, dict(writes.status)
            runtime.start()
            restart_s = _wait_until_seen(runtime, models + copies, patience_s)
            restart_peak, restart_cpu_s = runtime.peak_mib(), runtime.cpu_s()
            _settle(runtime, writes)
        finally:
            runtime.kill()
    besides = writes_before - sum(status.values())
    return Figures(
        runtime=name,
        models=models,
        ready_s=round(ready_s, 1),
        passes_per_model=round(told.passes / models, 1),
        writes_per_model=round(writes_before / models, 2),
        status_writes_per_model=round(sum(status.values()) / models, 2),
        most_status_writes=max(status.values(), default=0),
        writes_per_object=round(besides / max(1, made), 2),
        cpu_s_per_model=round(cpu_s / models, 4),
        pass_cpu_p50_ms=round(told.cpu_p50_ms, 2),
        pass_cpu_p99_ms=round(told.cpu_p99_ms, 2),
        peak_mib=round(peak_mib, 1),
        restarted_models=models + copies,
        restart_s=round(restart_s, 1),
        restart_cpu_s=round(restart_cpu_s, 1),
        restart_writes=writes.total - writes_before,
        restart_peak_mib=round(restart_peak, 1),
    )


@contextmanager
def _playing(plane: ControlPlane) -> Iterator[None]:
    """Ray and the servers, played."""
    log = plane.folder / "player.log"
    with log.open("wb") as said:
        command = [sys.executable, "-m", "bench.operator.player", str(plane.kubeconfig)]
        player = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        yield
        if player.poll() is not None:
            raise RuntimeError(f"the player ended: {log.read_text()[-3000:]}")
    finally:
        player.kill()
        player.wait()


def _runtime(name: str, plane: ControlPlane, folder: Path) -> Runtime:
    """A runtime with the operator's rights; kopf's with what it needs beyond them, to see what there is."""
    kubeconfig, settings = folder / "kubeconfig", folder / "settings.yaml"
    plane.write_kubeconfig(kubeconfig, asyncio.run(token(plane.kubeconfig, NAMESPACE, ACCOUNT)))
    settings.write_text(yaml.safe_dump(SETTINGS.model_dump(by_alias=True)))
    if name == "kopf":
        asyncio.run(_let_do_all(plane))
    (port,) = free_ports(1)
    environment = {
        "KUBECONFIG": str(kubeconfig),
        "LEPTON_SETTINGS": str(settings),
        "LEPTON_NAMESPACE": NAMESPACE,
        "LEPTON_IDENTITY": "bench",
        "LEPTON_LISTEN": f"127.0.0.1:{port}",
    }
    return Runtime(name, folder, environment)


@asynccontextmanager
async def _client(plane: ControlPlane) -> AsyncIterator[Client]:
    """As the administrator."""
    await config.load_kube_config(str(plane.kubeconfig))  # type: ignore[no-untyped-call]  # untyped in the client
    async with ApiClient() as api:
        yield Client(api)


async def _let_do_all(plane: ControlPlane) -> None:
    rbac = "rbac.authorization.k8s.io"
    binding: Object = {
        "apiVersion": f"{rbac}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "bench"},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
    }
    async with _client(plane) as client:
        await client.apply(Kind(f"{rbac}/v1", "ClusterRoleBinding", "clusterrolebindings"), binding)


async def _apply_all(plane: ControlPlane, models: int) -> None:
    """Apply them as users do, several at a time."""
    spec = digits().model_dump(mode="json", by_alias=True, exclude_defaults=True)
    numbers = iter(range(models))

    async def apply_some(client: Client) -> None:
        for number in numbers:
            metadata = {"name": f"digits-{number:05}", "namespace": "default"}
            document = {"apiVersion": LEPTON_MODEL.api_version, "kind": LEPTON_MODEL.name, "metadata": metadata}
            await client.apply(LEPTON_MODEL, {**document, "spec": spec}, manager="user")

    async with _client(plane) as client, asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(apply_some(client))


def _wait_until_ready(plane: ControlPlane, models: int, runtime: Runtime, deadline: float) -> None:
    """Until a list shows each Ready; looked at rarely, because looking costs too."""
    while (ready := asyncio.run(_ready(plane))) < models:
        runtime.told()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{ready} of {models} are Ready")
        time.sleep(1 + models / 1000)


async def _clone(plane: ControlPlane, copies: int) -> None:
    async with _client(plane) as client:
        await clone(client, "digits-00000", [f"copied-{number:05}" for number in range(copies)])


async def _ready(plane: ControlPlane) -> int:
    count = 0
    async with _client(plane) as client:
        async for page, _ in client.pages(LEPTON_MODEL, None):
            count += sum(decode(one).get("status", {}).get("phase") == "Serving" for one in page)
    return count


def _settle(runtime: Runtime, writes: Writes) -> None:
    """Until nothing is written any more."""
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < _QUIET_S:
        time.sleep(0.5)
        if writes.read() or not runtime.told().idle:
            quiet_since = time.monotonic()


def _wait_until_seen(runtime: Runtime, models: int, patience_s: float) -> float:
    """Seconds from the start until each model was looked at and nothing is to do."""
    while not ((told := runtime.told()).passes >= models and told.idle):
        if time.monotonic() - runtime.began > patience_s:
            raise TimeoutError(f"{told.passes} passes over {models} models")
        time.sleep(0.1)
    return time.monotonic() - runtime.began


def table(rows: list[Figures]) -> str:
    """The figures, one runtime a column."""
    lines = [["", *(row.runtime for row in rows)]]
    lines += [[name.replace("_", " "), *(str(asdict(row)[name]) for row in rows)] for name in list(asdict(rows[0]))[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.operator", description=__doc__)
    parser.add_argument("--models", type=int, default=10_000, help="models of Lepton's own run")
    parser.add_argument("--lived", type=int, help="how many of them live; the others are copies; all by default")
    parser.add_argument("--beside", type=int, default=500, help="models of each runtime in the comparison; 0 for none")
    parser.add_argument("--runtimes", nargs="+", default=["lepton", "kopf", "bare"])
    parser.add_argument("--patience", type=float, default=3600, help="seconds for all to become Ready")
    given = parser.parse_args()
    rows = [measure(name, given.beside, given.patience) for name in given.runtimes if given.beside]
    if rows:
        print(table(rows), flush=True)
    if given.models:
        lived = min(given.models, given.lived or given.models)
        print(table([measure("lepton", lived, given.patience, given.models - lived)]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
