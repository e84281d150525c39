"""The three runtimes as processes: how each is started, and how far it tells that it is."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
from prometheus_client.parser import text_string_to_metric_families

COMMANDS = {"lepton": "operators.lepton_operator", "kopf": "bench.operator.on_kopf", "bare": "bench.operator.on_bare"}
_NAMES = ["lepton_reconciles_total", "lepton_queue_depth", "lepton_reconcile_cpu_seconds_bucket"]


@dataclass(frozen=True)
class Told:
    """How far a runtime is."""

    passes: int = 0
    idle: bool = False
    """Whether it has nothing to do, as far as it knows."""
    cpu_p50_ms: float = 0.0
    """CPU of a pass."""
    cpu_p99_ms: float = 0.0


class Runtime:
    """One process of one runtime."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str]) -> None:
        self._stats, self._name = folder / f"{name}.json", name
        self._log = folder / f"{name}.log"
        self._environment = {**os.environ, **environment, "LEPTON_BENCH_STATS": str(self._stats)}
        self._listen = environment["LEPTON_LISTEN"]

    def start(self) -> None:
        """Start it; it knows nothing yet."""
        self._stats.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", COMMANDS[self._name]]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        self.began = time.monotonic()

    def end(self) -> None:
        """Ask it to end, and wait."""
        self._process.terminate()
        self._process.wait(timeout=60)

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()

    def peak_mib(self) -> float:
        """The most memory that it ever held."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def cpu_s(self) -> float:
        """CPU seconds that it has taken."""
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    def told(self) -> Told:
        """How far it is."""
        if self._process.poll() is not None:
            raise RuntimeError(f"{self._name} ended with {self._process.returncode}:\n{self._log.read_text()[-3000:]}")
        try:
            return self._of_metrics() if self._name == "lepton" else self._of_file()
        except (OSError, ValueError):
            return Told()

    def _of_metrics(self) -> Told:
        asked = urlencode({"name[]": _NAMES}, doseq=True)  # all of them take a while where there are many models
        with urllib.request.urlopen(f"http://{self._listen}/metrics?{asked}", timeout=5) as answer:
            families = {one.name: one for one in text_string_to_metric_families(answer.read().decode())}
        passes = sum(one.value for one in families["lepton_reconciles"].samples if one.name.endswith("_total"))
        depth = families["lepton_queue_depth"].samples[0].value
        buckets = [
            (float(one.labels["le"]), one.value)
            for one in families["lepton_reconcile_cpu_seconds"].samples
            if one.name.endswith("_bucket")
        ]
        return Told(int(passes), depth == 0, 1000 * _quantile(buckets, 0.5), 1000 * _quantile(buckets, 0.99))

    def _of_file(self) -> Told:
        told: dict[str, Any] = json.loads(self._stats.read_text())
        sample = told["cpu_s"] or [0.0]
        p50, p99 = (1000 * sample[min(len(sample) - 1, int(share * len(sample)))] for share in (0.5, 0.99))
        return Told(told["passes"], True, p50, p99)


def _quantile(buckets: list[tuple[float, float]], share: float) -> float:
    """Of a histogram of Prometheus, linear within a bucket."""
    wanted, below, count = share * buckets[-1][1], 0.0, 0.0
    for bound, total in buckets:
        if total >= wanted and total > count:
            return below if bound == float("inf") else below + (bound - below) * (wanted - count) / (total - count)
        below, count = bound, total
    return below
