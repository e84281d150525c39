"""Bench (a): what an endpoint costs beside bare ONNX Runtime, and beside KServe's Python ModelServer.

Run by `make bench`. One small CNN (28x28x1), one ONNX file, one load generator, binary tensors; ours is
the repository as it is packaged and served. All are measured in turns, in one run; the ratios travel, the absolutes
do not. KServe's server listens on every interface: so all of it runs in a network namespace that has only `lo`.
"""

import fcntl
import json
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import onnxruntime
import psutil

from bench.load import answer_times, infer_request, throughput
from lepton.backends.local.home import Home, Settings
from lepton.backends.local.models import Models
from lepton.backends.local.triton import Triton
from lepton.spec.deploy import Deploy
from lepton.spec.model import Model
from services.worker.package import Parts, write_artifact
from tests.artifacts import traffic
from tests.installation import free_ports, wait_until
from tests.real.serving.artifacts import report
from tests.real.serving.quadrants import write_holdout

SHAPE = (28, 28, 1)
CLASSES = tuple("0123456789")
OVERHEAD_BAR_MS = 0.35
THROUGHPUT_BAR = 4.0
LATENCY_ROUNDS, REQUESTS = 8, 250
THROUGHPUT_ROUNDS, SECONDS = 4, 1.5
CLIENTS = (1, 16)
ISOLATED = "--isolated"
QUIET_SHARE = 0.1


@dataclass
class Figures:
    """One entry for each round."""

    p50_ms: dict[str, list[float]] = field(default_factory=lambda: {"bare": [], "lepton": [], "kserve": []})
    per_second: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    inside_ms: dict[str, float] = field(default_factory=dict)
    """Where a single client's request to ours spends its time on average."""
    others_share: float = 0.0
    """Share of the machine's processor time that went to other programs meanwhile."""


def write_onnx(path: Path) -> None:
    """The plain CNN with random weights: they do not matter for time."""
    from lepton.compress.export import export  # noqa: PLC0415 - torch, needed only here
    from lepton.train.models.registry import build  # noqa: PLC0415 - torch, needed only here

    export(build(Model(architecture="cnn"), len(CLASSES), (1, 28, 28)), (0.5,), (0.5,), SHAPE, path)


@contextmanager
def lepton_server(folder: Path, onnx: Path) -> Iterator[int]:
    """Our own server with the packaged model; yields its HTTP port."""
    parts = Parts(onnx, onnx, write_holdout(folder / "holdout.zip", 1), SHAPE, "stretch", Deploy())
    artifact = folder / "artifact"
    artifact.mkdir()
    digest = write_artifact(artifact, report(CLASSES, SHAPE), parts)
    http, grpc, metrics, unused = free_ports(4)
    settings = Settings(http_port=http, grpc_port=grpc, triton_metrics_port=metrics, metrics_port=unused)
    home = Home(folder / "home").make()
    triton = Triton(home, settings)
    triton.start()
    try:
        wait_until(triton.is_ready, "Triton is ready", 30)
        Models(home, triton).load(traffic("cnn", artifact, digest, Deploy().instances))
        yield http
    finally:
        triton.stop()


@contextmanager
def kserve_server(folder: Path, onnx: Path) -> Iterator[int]:
    """KServe's server with the same file; yields its port."""
    (port,) = free_ports(1)
    with (folder / "kserve.log").open("wb") as log:
        command = [sys.executable, "-m", "bench.kserve_server", str(onnx), str(port)]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: process.poll() is not None or _listens(port), "KServe's server is ready", 60)
        if process.poll() is not None:
            raise RuntimeError(f"KServe's server ended:\n{(folder / 'kserve.log').read_text()[-2000:]}")
        yield port
    finally:
        process.kill()
        process.wait()


def measure(onnx: Path, ports: dict[str, int]) -> Figures:
    """Latency first, then throughput, each in turns."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    image = np.zeros((1, *SHAPE), np.uint8)
    request = infer_request("cnn", image)
    for port in ports.values():
        answer_times(port, request, 100)
    figures, usage = Figures(), Usage()
    before, seen = _server_times(ports["lepton"]), []
    for _ in range(LATENCY_ROUNDS):
        figures.p50_ms["bare"].append(_bare_p50(session, image))
        for name, port in ports.items():
            milliseconds = answer_times(port, request, REQUESTS)
            figures.p50_ms[name].append(float(np.median(milliseconds)))
            if name == "lepton":
                seen.append(milliseconds.mean())
    figures.inside_ms = _mean_ms(before, _server_times(ports["lepton"]))
    figures.inside_ms["HTTP and the client"] = float(np.mean(seen)) - sum(figures.inside_ms.values())
    for _ in range(THROUGHPUT_ROUNDS):
        for clients in CLIENTS:
            for name, port in ports.items():
                rate = throughput(port, request, clients, SECONDS)
                figures.per_second.setdefault((name, clients), []).append(rate)
    figures.others_share = usage.others_share()
    return figures


def tell(figures: Figures) -> None:
    """Print the ratios and the verdicts."""
    bare, lepton, kserve = (np.array(figures.p50_ms[name]) for name in ("bare", "lepton", "kserve"))
    over = float(np.median(lepton - bare))
    print("(a) endpoint, small CNN 28x28x1, HTTP, binary tensor, in turns with bare ONNX Runtime and KServe:")
    print(
        f"    p50 at 1 client: {over:.3f} ms over bare ONNX Runtime ({median(bare):.3f} -> {median(lepton):.3f} ms, "
        f"{np.median(lepton / bare):.1f}x); KServe's takes {np.median(kserve / lepton):.1f}x as long "
        f"({median(kserve):.3f} ms)"
    )
    ratios = {}
    for clients in CLIENTS:
        ours, theirs = (np.array(figures.per_second[name, clients]) for name in ("lepton", "kserve"))
        ratios[clients] = float(np.median(ours / theirs))
        print(
            f"    throughput at {clients} client{'s' if clients > 1 else ''}: {ratios[clients]:.1f}x KServe's "
            f"({median(ours):,.0f} against {median(theirs):,.0f} a second)"
        )
    _verdict(
        "p50 over bare ONNX Runtime", over <= OVERHEAD_BAR_MS, f"at most {OVERHEAD_BAR_MS} ms", over - OVERHEAD_BAR_MS
    )
    at_16 = ratios[CLIENTS[-1]]
    _verdict(
        "throughput at 16 clients", at_16 >= THROUGHPUT_BAR, f"at least {THROUGHPUT_BAR:g}x", THROUGHPUT_BAR - at_16
    )
    parts = ", ".join(f"{name} {value:.3f}" for name, value in figures.inside_ms.items())
    print(f"    where a request of ours spends its milliseconds, on average: {parts}")
    if figures.others_share > QUIET_SHARE:
        print(f"    beware: other programs took {figures.others_share:.0%} of this machine meanwhile; such ratios")
        print("    say little: run it again when the machine is quiet")


class Usage:
    """How much of the machine's processor time, from now on, goes to us and how much to others."""

    def __init__(self) -> None:
        self._began = self._used()

    def others_share(self) -> float:
        """0 to 1; our own servers are not others."""
        busy, ours, whole = (now - then for now, then in zip(self._used(), self._began, strict=True))
        return max(0.0, busy - ours) / whole

    @staticmethod
    def _used() -> tuple[float, float, float]:
        machine, me = psutil.cpu_times(), psutil.Process()
        whole = float(sum(machine[:8]))  # what follows is counted in what precedes
        own = [process.cpu_times() for process in (me, *me.children(recursive=True))]
        return whole - machine.idle - machine.iowait, sum(spent.user + spent.system for spent in own), whole


def _verdict(what: str, met: bool, bar: str, missed_by: float) -> None:
    print(f"    bar: {what} {bar}: {'met' if met else f'missed by {missed_by:.2f}'}")


def _bare_p50(session: onnxruntime.InferenceSession, image: npt.NDArray[np.uint8]) -> float:
    seconds = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        session.run(None, {"image": image})
        seconds.append(time.perf_counter() - began)
    return median(seconds) * 1000


def _server_times(port: int) -> dict[str, int]:
    """Nanoseconds so far in each part of a request, and the number of requests, from Triton's own statistics."""
    url = f"http://127.0.0.1:{port}/v2/models/cnn/stats"
    with urllib.request.urlopen(url, timeout=10) as answer:
        inference = json.load(answer)["model_stats"][0]["inference_stats"]
    parts = {
        "queue": "queue",
        "input": "compute_input",
        "model and its process": "compute_infer",
        "output": "compute_output",
    }
    return {name: inference[key]["ns"] for name, key in parts.items()} | {"count": inference["success"]["count"]}


def _mean_ms(before: dict[str, int], after: dict[str, int]) -> dict[str, float]:
    requests = after["count"] - before["count"]
    return {name: (after[name] - before[name]) / requests / 1e6 for name in before if name != "count"}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _namespace_command() -> Sequence[str] | None:
    """How to run something in a network namespace of its own; None where this machine does not allow it."""
    for options in (["--user", "--map-root-user", "--net"], ["--net"]):
        try:
            subprocess.run(["unshare", *options, "true"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return ["unshare", *options]
    return None


def _raise_loopback() -> None:
    """Switch `lo` on, as in a fresh namespace even that is down."""
    get_flags, set_flags, up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = fcntl.ioctl(control, get_flags, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", request)[1]
        fcntl.ioctl(control, set_flags, struct.pack("16sh14x", b"lo", flags | up))


def _isolated() -> None:
    _raise_loopback()
    with tempfile.TemporaryDirectory(prefix="lepton-bench-") as name:
        folder = Path(name)
        onnx = folder / "cnn.onnx"
        write_onnx(onnx)
        with lepton_server(folder, onnx) as ours, kserve_server(folder, onnx) as theirs:
            figures = measure(onnx, {"lepton": ours, "kserve": theirs})
    tell(figures)


def main() -> int:
    """Measure once and print; refuses (exit status 1) where KServe's server would be open to the network."""
    if ISOLATED in sys.argv:
        _isolated()
        return 0
    unshare = _namespace_command()
    if unshare is None:
        print("(a) not measured: KServe's server listens on every interface, and this machine allows no network")
        print("    namespace of our own (`unshare --net`) to shut it in: allow user namespaces, or run as root")
        return 1
    return subprocess.run([*unshare, sys.executable, "-m", "bench.endpoint", ISOLATED], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
