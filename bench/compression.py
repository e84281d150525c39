"""Bench (b): the compressed model against the uncompressed one, and against plain ONNX Runtime quantization alone.

Run by `make bench`. Every latency is measured by turns with that of the uncompressed model (ONNX Runtime, one thread,
batch 1), accuracy is that of the held-out examples: the ratios travel, the absolutes do not. The digits over five seeds
of the split, a ResNet-18 of CIFAR's size for the gain of 8 bits; MNIST and CIFAR-10 where their files are there.
"""

import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from onnxruntime.quantization import quantize_static

from lepton.compress.export import export
from lepton.compress.measure import compare
from lepton.compress.methods.quantize import Calibration, quantize
from lepton.compress.run import compress
from lepton.compress.runtime import accuracy_percent
from lepton.spec.model import Model
from lepton.spec.resource import Spec
from lepton.train.data.prepare import prepare
from lepton.train.data.prepared import Prepared
from lepton.train.fit import Fit
from lepton.train.models.registry import build
from lepton.train.run import fit

SEEDS = range(100, 105)  # no default was chosen on these splits
SMALLER_BAR, POINTS_BAR, FASTER_BAR = 6.0, 0.5, 3.0
MNIST_LEAST_ACCURACY, MNIST_SMALLER_BAR, MNIST_POINTS_BAR = 98.0, 2.0, 2.0
PUBLIC_SETS = Path(os.environ.get("LEPTON_BENCH_DATA", Path(__file__).parents[2] / "shared" / "data"))
SECONDS_TO_COMPARE = 1.0
CPU_FLAGS = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Against:
    """A file beside the uncompressed model."""

    accuracy: float
    """Percent, held-out examples."""
    points_lost: float
    times_smaller: float
    times_faster: float
    kibibytes: float

    def __str__(self) -> str:
        """The ratios first."""
        ratios = (
            f"{self.times_smaller:.1f}x smaller, {self.times_faster:.2f}x as fast, {self.points_lost:+.2f} points lost"
        )
        return f"{ratios} ({self.accuracy:.2f} %, {self.kibibytes:.0f} KiB)"


@dataclass(frozen=True)
class Result:
    """One data set, one seed."""

    uncompressed_accuracy: float
    ours: Against
    plain: Against
    seconds: float
    decisions: tuple[str, ...]


def against(baseline: Path, file: Path, prepared: Prepared) -> Against:
    """Compare a file with the uncompressed model."""
    test = prepared.arrays("test")
    before, after = (accuracy_percent(path, *test) for path in (baseline, file))
    latency = compare(baseline, file, prepared.shape, SECONDS_TO_COMPARE)
    size = file.stat().st_size
    return Against(after, before - after, baseline.stat().st_size / size, 1 / latency.ratio, size / 1024)


def plain_quantization(source: Path, images: npt.NDArray[np.uint8], target: Path) -> None:
    """ONNX Runtime's static quantization as it comes, on the same file and the same examples."""
    quantize_static(source, target, Calibration(images))


def run(spec: Spec, folder: Path) -> Result:
    """Train, compress by the recipe of the spec, and compare."""
    began = time.monotonic()
    prepared = prepare(spec.data, folder / "data", lambda _: None)
    augment = spec.data.image.augment
    first = Fit(spec.model, spec.train, prepared.directory, folder / "train", "train", augment=augment)
    compressed = compress(spec, prepared, fit(first, lambda _: None), folder / "work", lambda _: None)
    plain = folder / "plain.onnx"
    images, _ = prepared.arrays("train")
    plain_quantization(compressed.baseline_onnx, np.asarray(images[:256]), plain)
    baseline = compressed.baseline_onnx
    return Result(
        uncompressed_accuracy=accuracy_percent(baseline, *prepared.arrays("test")),
        ours=against(baseline, compressed.served_onnx, prepared),
        plain=against(baseline, plain, prepared),
        seconds=time.monotonic() - began,
        decisions=tuple(f"{variant.name}: {variant.decision}" for variant in compressed.variants[1:]),
    )


def tell(name: str, result: Result) -> None:
    """Print one result."""
    print(f"    {name}: uncompressed {result.uncompressed_accuracy:.2f} %, {result.seconds:.0f} s in all")
    print(f"        ours:               {result.ours}")
    print(f"        plain quantization: {result.plain}", flush=True)


def digits(folder: Path) -> None:
    """The default recipe over five seeds of the split."""
    print("(b) compression of the digits (resnet-8, prune by half, int8), against uncompressed, by turns:")
    results = []
    for seed in SEEDS:
        data = {"uri": "sklearn://digits", "split": {"seed": seed}}
        spec = Spec.model_validate({"task": "image-classification", "data": data, "train": {"seed": seed}})
        results.append(run(spec, folder / f"digits-{seed}"))
        tell(f"seed {seed}", results[-1])
    for name, rows in (("ours", [r.ours for r in results]), ("plain quantization", [r.plain for r in results])):
        smaller, faster, lost = (_mean(rows, field) for field in ("times_smaller", "times_faster", "points_lost"))
        print(f"    mean, {name}: {smaller:.1f}x smaller, {faster:.2f}x as fast, {lost:+.2f} points lost")
        if name == "ours":
            _verdict("digits smaller", smaller, SMALLER_BAR)
            _verdict("digits points lost", lost, POINTS_BAR, at_most=True)


def eight_bits(folder: Path) -> None:
    """Quantization alone on a ResNet-18 of CIFAR's size; random weights, for they do not matter for time."""
    folder.mkdir()
    torch.manual_seed(0)
    shape = (32, 32, 3)
    images = np.random.default_rng(0).integers(0, 256, (64, *shape), dtype=np.uint8)
    baseline, ours, plain = (folder / f"{name}.onnx" for name in ("float", "ours", "plain"))
    net = build(Model(architecture="resnet", depth=18, width=64), 10, (3, 32, 32))
    export(net, (0.5,) * 3, (0.25,) * 3, shape, baseline)
    quantize(baseline, images, ours)
    plain_quantization(baseline, images, plain)
    faster = {path.stem: 1 / compare(baseline, path, shape, 4.0).ratio for path in (ours, plain)}
    against_plain = 1 / compare(plain, ours, shape, 2.0).ratio
    print("    8 bits alone, ResNet-18 for 32x32 images, against fp32:")
    print(f"        ours {faster['ours']:.2f}x as fast, plain quantization {faster['plain']:.2f}x; ", end="")
    print(f"ours against plain {against_plain:.2f}x")
    if "vnni" in CPU_FLAGS.read_text():
        _verdict("8 bits against fp32", faster["ours"], FASTER_BAR)
    else:
        print("    bar: 8 bits against fp32: not judged, for this CPU has no VNNI")


def mnist(folder: Path) -> None:
    """The plain two-layer CNN on MNIST: the founding documents' claim."""
    spec = {
        "data": {"uri": str(PUBLIC_SETS / "mnist-train.npz")},
        "model": {"architecture": "cnn"},
        "train": {"epochs": 3, "batchSize": 128},
        "compress": {"steps": [{"prune": {"ratio": 0.5, "epochs": 1}}, {"quantize": {}}]},
    }
    result = run(Spec.model_validate({"task": "image-classification", **spec}), folder / "mnist")
    tell("MNIST, plain CNN", result)
    _verdict("MNIST accuracy before", result.uncompressed_accuracy, MNIST_LEAST_ACCURACY)
    _verdict("MNIST smaller", result.ours.times_smaller, MNIST_SMALLER_BAR)
    _verdict("MNIST points lost", result.ours.points_lost, MNIST_POINTS_BAR, at_most=True)


def cifar10(folder: Path) -> None:
    """ResNet-20 on CIFAR-10 as an image folder, a few epochs: what compression costs on real pictures."""
    spec = {
        "data": {
            "uri": str(PUBLIC_SETS / "cifar10-train.zip"),
            "image": {"augment": ["crop", "flip"]},
        },
        "model": {"architecture": "resnet", "depth": 20, "width": 16},
        "train": {"epochs": 5, "batchSize": 128},
        "compress": {"steps": [{"prune": {"ratio": 0.3, "epochs": 2}}, {"quantize": {}}]},
        "gate": {"maxAccuracyDrop": 5},
    }
    result = run(Spec.model_validate({"task": "image-classification", **spec}), folder / "cifar")
    tell("CIFAR-10, ResNet-20", result)
    for decision in result.decisions:
        print(f"        {decision}")


def _mean(rows: Sequence[Against], field: str) -> float:
    return statistics.mean(float(getattr(row, field)) for row in rows)


def _verdict(what: str, figure: float, bar: float, at_most: bool = False) -> None:
    missed_by = figure - bar if at_most else bar - figure
    outcome = "met" if missed_by <= 0 else f"missed by {missed_by:.2f}"
    print(f"    bar: {what} {'at most' if at_most else 'at least'} {bar:g}: {outcome} ({figure:.2f})", flush=True)


def main() -> int:
    """Measure all whose data is there."""
    logging.getLogger().setLevel(logging.ERROR)  # the plain quantization advises to do what ours does
    logging.getLogger("ray.train").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        eight_bits(folder / "int8")
        digits(folder)
        for name, case in (("mnist-train.npz", mnist), ("cifar10-train.zip", cifar10)):
            if (PUBLIC_SETS / name).exists():
                case(folder)
            else:
                print(f"    {name}: not there; docs say where to get it, LEPTON_BENCH_DATA names its folder")
    return 0


if __name__ == "__main__":
    sys.exit(main())
