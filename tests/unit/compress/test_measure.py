"""Latency side by side."""

from pathlib import Path

import onnx
import pytest
from torch import nn

from lepton.compress.comparison import Comparison
from lepton.compress.measure import compare, count_operations
from lepton.report import Latency
from tests.unit.compress.graphs import SHAPE, convolutional


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    for name, hidden in (("small", 4), ("large", 64)):
        onnx.save(convolutional(hidden), tmp_path / f"{name}.onnx")
    return tmp_path / "small.onnx", tmp_path / "large.onnx"


def test_a_small_network_is_faster_than_a_large_one_and_the_other_way_round(files: tuple[Path, Path]) -> None:
    small, large = files
    there, back = compare(large, small, SHAPE, seconds=0.1), compare(small, large, SHAPE, seconds=0.1)
    assert (there.faster, there.slower, back.faster, back.slower) == (True, False, False, True)
    assert there.after.p50_ms < there.before.p50_ms
    assert there.after.p50_ms <= there.after.p99_ms


@pytest.mark.parametrize(
    ("ratio", "spread", "faster", "slower"),
    [
        (0.5, (0.4, 0.7), True, False),
        (0.5, (0.3, 1.1), False, False),
        (0.98, (0.97, 0.99), False, False),
        (1.5, (1.2, 1.9), False, True),
        (1.5, (0.9, 1.9), False, False),
    ],
    ids=["clearly faster", "faster in most rounds only", "faster by a hair", "clearly slower", "slower in most rounds"],
)
def test_a_difference_counts_when_nine_of_ten_rounds_show_it(
    ratio: float, spread: tuple[float, float], faster: bool, slower: bool
) -> None:
    latency = Latency(p50_ms=1, p99_ms=1)
    comparison = Comparison(latency, latency, ratio, spread)
    assert (comparison.faster, comparison.slower) == (faster, slower)


def test_a_convolution_counts_its_multiplications_and_parameters() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.Flatten())
    assert count_operations(net, (10, 10, 3)) == (8 * 3 * 9 * 100, 8 * 3 * 9)
