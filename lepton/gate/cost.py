"""What an answer costs at a live endpoint: milliseconds, CPU seconds, joules. Called by gate.run.

All that is compared is measured in turns, a few requests of one after a few of the other, so that a busy neighbour
slows both alike.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil

from lepton.errors import LeptonError
from lepton.report import Latency
from lepton.spec.reasons import Reason

Ask = Callable[[int], object]
"""Sends the n-th request and waits for its answer."""

K = TypeVar("K")

RAPL = Path("/sys/class/powercap")
REQUESTS = 500
TURN = 25
WARM_UP = 10
MOST_SECONDS = 8.0
ROUNDS = 3
ROUND_SECONDS = 0.4


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


def costs(asks: Mapping[str, Ask], server_pid: int, rapl: Path = RAPL) -> dict[str, Cost]:
    """CPU time of the server's processes and energy of the machine for 1,000 answers of each.

    The least of some rounds: what else the server or the machine does meanwhile can only add to it.
    Raises LeptonError SERVER_UNAVAILABLE when the server is gone.
    """
    rounds: dict[str, list[Cost]] = {name: [] for name in asks}
    for _ in range(ROUNDS):
        for name, ask in asks.items():
            rounds[name].append(_one_round(ask, server_pid, rapl))
    return {name: _least(measured) for name, measured in rounds.items()}


def _one_round(ask: Ask, server_pid: int, rapl: Path) -> Cost:
    cpu, energy = _cpu_seconds(server_pid), _energy(rapl)
    deadline = time.monotonic() + ROUND_SECONDS
    count = 0
    while time.monotonic() < deadline:
        count += len(_repeat(ask, TURN))
    spent = _cpu_seconds(server_pid) - cpu
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


def _cpu_seconds(server_pid: int) -> float:
    try:
        server = psutil.Process(server_pid)
        times = [process.cpu_times() for process in (server, *server.children(recursive=True))]
    except psutil.NoSuchProcess as error:
        message = f"the server (process {server_pid}) ended during the proof: the proof is tried again by itself"
        raise LeptonError(Reason.SERVER_UNAVAILABLE, message) from error
    return sum(spent.user + spent.system for spent in times)


def _energy(rapl: Path) -> dict[str, int]:
    """Microjoules that each processor package has counted; empty where that can't be read."""
    packages = {}
    for domain in sorted(rapl.glob("*-rapl:[0-9]*")):
        if domain.name.count(":") == 1:  # a second colon marks a part of a package, which is counted in it
            try:
                packages[domain.name] = int((domain / "energy_uj").read_text())
            except (OSError, ValueError):
                return {}
    return packages


def _joules(before: Mapping[str, int], after: Mapping[str, int], rapl: Path, scale: float) -> float | None:
    if not before or before.keys() != after.keys():
        return None
    spent = 0
    for name, microjoules in after.items():
        used = microjoules - before[name]
        spent += used if used >= 0 else used + int((rapl / name / "max_energy_range_uj").read_text())
    return spent / 1e6 * scale
