"""What an answer costs at a live endpoint: milliseconds, CPU seconds, joules. Called by gate.run.

All that is compared is measured in turns, a few requests of one after a few of the other, so that a busy neighbour
slows both alike.
"""

import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
from prometheus_client.parser import text_string_to_metric_families

from lepton.errors import LeptonError
from lepton.report import Latency
from lepton.spec.reasons import Reason

Ask = Callable[[int], object]
"""Sends the n-th request and waits for its answer."""

CpuClock = Callable[[], float]
"""CPU seconds that a server has spent so far. Raises LeptonError SERVER_UNAVAILABLE."""

METRIC = "lepton_server_cpu_seconds_total"
"""What a server in a pod calls them."""

K = TypeVar("K")

RAPL = Path("/sys/class/powercap")
REQUESTS = 500
TURN = 25
WARM_UP = 10
MOST_SECONDS = 8.0
ROUNDS = 3
ROUND_SECONDS = 0.4
_SCRAPE_S = 5.0


@dataclass(frozen=True)
class Cost:
    """What 1,000 predictions cost the server."""

    cpu_seconds: float
    joules: float | None
    """None where the machine can't tell."""


def latencies(asks: Mapping[K, Ask]) -> dict[K, Latency]:
    """Median and 99th percentile of each, one client, some hundreds of requests (fewer where they take long)."""
    seconds: dict[K, list[float]] = {name: [] for name in asks}
    for ask in asks.values():
        _repeat(ask, WARM_UP)
    deadline = time.monotonic() + MOST_SECONDS * len(asks)
    for _ in range(REQUESTS // TURN):
        for name, ask in asks.items():
            seconds[name] += _repeat(ask, TURN)
        if time.monotonic() > deadline:
            break
    return {name: _latency(measured) for name, measured in seconds.items()}


def costs(asks: Mapping[str, Ask], clocks: Mapping[str, CpuClock], rapl: Path | None = RAPL) -> dict[str, Cost]:
    """CPU time of each one's server, and energy of the machine, for 1,000 answers.

    The least of some rounds: what else the server or the machine does meanwhile can only add to it. Without `rapl`
    energy is not measured, as where the server is on another machine. Raises LeptonError SERVER_UNAVAILABLE when a
    server is gone.
    """
    rounds: dict[str, list[Cost]] = {name: [] for name in asks}
    for _ in range(ROUNDS):
        for name, ask in asks.items():
            rounds[name].append(_one_round(ask, clocks[name], rapl))
    return {name: _least(measured) for name, measured in rounds.items()}


def clock_of_process(pid: int) -> CpuClock:
    """The CPU time of a process on this machine and of all its children."""

    def read() -> float:
        try:
            server = psutil.Process(pid)
            times = [process.cpu_times() for process in (server, *server.children(recursive=True))]
        except psutil.NoSuchProcess as error:
            message = f"the server (process {pid}) ended during the proof: the proof is tried again by itself"
            raise LeptonError(Reason.SERVER_UNAVAILABLE, message) from error
        return sum(spent.user + spent.system for spent in times)

    return read


def clock_of_pod(url: str) -> CpuClock:
    """The CPU time that a server in a pod tells among its metrics."""

    def read() -> float:
        try:
            with urllib.request.urlopen(url, timeout=_SCRAPE_S) as answer:  # noqa: S310 - http://, made by the backend from a Service
                families = list(text_string_to_metric_families(answer.read().decode()))
        except (OSError, ValueError) as error:
            message = f"{url} can't be read ({error}): the proof is tried again by itself"
            raise LeptonError(Reason.SERVER_UNAVAILABLE, message) from error
        found = [sample.value for family in families for sample in family.samples if sample.name == METRIC]
        if not found:
            message = f"{url} does not tell {METRIC}: use the server's image of this version of Lepton"
            raise LeptonError(Reason.SERVER_UNAVAILABLE, message)
        return float(found[0])

    return read


def _one_round(ask: Ask, clock: CpuClock, rapl: Path | None) -> Cost:
    cpu, energy = clock(), _energy(rapl)
    deadline = time.monotonic() + ROUND_SECONDS
    count = 0
    while time.monotonic() < deadline:
        count += len(_repeat(ask, TURN))
    spent = clock() - cpu
    return Cost(1000 * spent / count, _joules(energy, _energy(rapl), rapl, 1000 / count))


def _least(measured: Sequence[Cost]) -> Cost:
    joules = [cost.joules for cost in measured if cost.joules is not None]
    return Cost(min(cost.cpu_seconds for cost in measured), min(joules) if joules else None)


def _repeat(ask: Ask, count: int) -> list[float]:
    seconds = []
    for number in range(count):
        began = time.perf_counter()
        ask(number)
        seconds.append(time.perf_counter() - began)
    return seconds


def _latency(seconds: Sequence[float]) -> Latency:
    p50, p99 = np.percentile(seconds, (50, 99)) * 1000
    return Latency(p50_ms=float(p50), p99_ms=float(p99))


def _energy(rapl: Path | None) -> dict[str, int]:
    """Microjoules that each processor package has counted; empty where that can't be read."""
    packages: dict[str, int] = {}
    if rapl is None:
        return packages
    for domain in sorted(rapl.glob("*-rapl:[0-9]*")):
        if domain.name.count(":") == 1:  # a second colon marks a part of a package, which is counted in it
            try:
                packages[domain.name] = int((domain / "energy_uj").read_text())
            except (OSError, ValueError):
                return {}
    return packages


def _joules(before: Mapping[str, int], after: Mapping[str, int], rapl: Path | None, scale: float) -> float | None:
    if rapl is None or not before or before.keys() != after.keys():
        return None
    spent = 0
    for name, microjoules in after.items():
        used = microjoules - before[name]
        spent += used if used >= 0 else used + int((rapl / name / "max_energy_range_uj").read_text())
    return spent / 1e6 * scale
