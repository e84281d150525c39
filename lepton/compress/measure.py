"""What a variant costs: latency side by side with another, file size, multiply-accumulates, parameters.

Called by compress.run and bench. Absolutes drift with the machine's mood, so two files always take turns in one run and
the verdict rests on the ratio of each round.
"""

import gc
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch_pruning
from numpy.typing import NDArray
from torch import nn

from lepton.compress.comparison import Comparison
from lepton.compress.runtime import session
from lepton.report import Latency

_ROUNDS = 40
_WARM_UP = 10


def compare(before: Path, after: Path, shape: tuple[int, int, int], seconds: float = 0.6) -> Comparison:
    """Time one image of `shape` (height, width, channels) through both files, by turns, for about `seconds`."""
    image = np.random.default_rng(0).integers(0, 256, (1, *shape), dtype=np.uint8)
    runtimes = (session(before), session(after))
    pace = max(np.median([_time(runtime, image, _WARM_UP) for runtime in runtimes], axis=1))
    runs = max(1, round(seconds / 2 / _ROUNDS / pace))
    gc.collect()
    rounds = np.array([[_time(runtime, image, runs) for runtime in runtimes] for _ in range(_ROUNDS)])
    medians = np.median(rounds, axis=2)
    ratios = medians[:, 1] / medians[:, 0]
    low, high = np.percentile(ratios, (10, 90))
    return Comparison(
        before=_latency(rounds[:, 0]),
        after=_latency(rounds[:, 1]),
        ratio=float(np.median(ratios)),
        spread=(float(low), float(high)),
    )


def count_operations(net: nn.Module, shape: tuple[int, int, int]) -> tuple[int, int]:
    """Multiply-accumulates for one image of `shape` (height, width, channels), and the number of parameters."""
    height, width, channels = shape
    macs, parameters = torch_pruning.utils.count_ops_and_params(net.eval(), torch.zeros(1, channels, height, width))
    return int(macs), int(parameters)


def _time(runtime: onnxruntime.InferenceSession, image: NDArray[np.uint8], runs: int) -> list[float]:
    inputs = {"image": image}
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        runtime.run(None, inputs)
        times.append(time.perf_counter() - start)
    return times


def _latency(seconds: NDArray[np.float64]) -> Latency:
    p50, p99 = np.percentile(seconds, (50, 99)) * 1000
    return Latency(p50_ms=float(p50), p99_ms=float(p99))
