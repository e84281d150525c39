"""The recipe on real digits: what is kept, what is dropped and why, and what a kill leaves."""

import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from lepton.compress.run import Compressed
from lepton.report import Progress
from tests.real.compress.recipes import DEFAULT, run

Folders = tuple[Path, Path]


def kept(compressed: Compressed) -> dict[str, bool]:
    return {variant.name: variant.kept for variant in compressed.variants}


def decision(compressed: Compressed, name: str) -> str:
    return next(variant.decision for variant in compressed.variants if variant.name == name)


@pytest.fixture(scope="module")
def default(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> tuple[Compressed, Path, list[Progress]]:
    work = tmp_path_factory.mktemp("work")
    said: list[Progress] = []
    return run(folders, work, DEFAULT, say=said.append), work, said


def test_pruning_and_quantizing_leave_a_fraction_of_the_size(
    default: tuple[Compressed, Path, list[Progress]],
) -> None:
    compressed, _, said = default
    assert kept(compressed) == {"uncompressed": True, "1-prune": True, "2-quantize": True}
    base, pruned, quantized = compressed.variants
    assert base.macs > 3 * pruned.macs == 3 * quantized.macs
    assert base.size_bytes > 5 * quantized.size_bytes
    assert (base.size_bytes, quantized.size_bytes) == (
        compressed.baseline_onnx.stat().st_size,
        compressed.served_onnx.stat().st_size,
    )
    assert base.validation_accuracy - quantized.validation_accuracy <= 10
    assert {row.stage for row in compressed.epochs} == {"1-prune"}
    fractions = [progress.fraction for progress in said]
    assert fractions == sorted(fractions)
    assert {progress.stage for progress in said} == {"compress"}


def test_what_is_done_is_not_done_again(folders: Folders, default: tuple[Compressed, Path, list[Progress]]) -> None:
    compressed, work, _ = default
    files = {path: path.stat().st_mtime_ns for path in work.rglob("*") if path.is_file()}
    assert run(folders, work, DEFAULT) == compressed
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*") if path.is_file()} == files


def test_another_recipe_that_begins_the_same_shares_its_first_steps(
    folders: Folders, default: tuple[Compressed, Path, list[Progress]]
) -> None:
    compressed, work, _ = default
    again = run(folders, work, [*DEFAULT, {"quantize": {"calibration": 64}}])
    assert again.variants[:3] == compressed.variants
    assert kept(again)["3-quantize"] is False
    assert "dropped: neither smaller nor faster than 2-quantize" in decision(again, "3-quantize")


def test_a_network_pruned_after_quantization_is_quantized_again(folders: Folders, tmp_path: Path) -> None:
    compressed = run(folders, tmp_path, [{"quantize": {}}, {"prune": {"ratio": 0.5, "epochs": 4}}])
    _, quantized, pruned = compressed.variants
    assert kept(compressed) == {"uncompressed": True, "1-quantize": True, "2-prune": True}
    assert pruned.size_bytes < quantized.size_bytes
    operations = {node.op_type for node in onnx.load(compressed.served_onnx).graph.node}
    assert "QuantizeLinear" in operations


def test_a_step_that_costs_too_much_accuracy_is_dropped_and_the_next_goes_on_without_it(
    folders: Folders, tmp_path: Path
) -> None:
    compressed = run(folders, tmp_path, [{"prune": {"ratio": 0.8, "epochs": 0}}, {"quantize": {}}])
    assert kept(compressed) == {"uncompressed": True, "1-prune": False, "2-quantize": True}
    assert "more than gate.maxAccuracyDrop = 10 allows" in decision(compressed, "1-prune")
    base, _, quantized = compressed.variants
    assert quantized.macs == base.macs


def test_distillation_that_follows_a_pruning_mends_it_before_it_is_judged(folders: Folders, tmp_path: Path) -> None:
    steps: list[dict[str, object]] = [{"prune": {"ratio": 0.5, "epochs": 0}}, {"distill": {"epochs": 6}}]
    compressed = run(folders, tmp_path, steps)
    assert kept(compressed) == {"uncompressed": True, "1-prune": True, "2-distill": True}
    _, pruned, distilled = compressed.variants
    assert (distilled.size_bytes, distilled.macs) == (pruned.size_bytes, pruned.macs)
    assert distilled.validation_accuracy > pruned.validation_accuracy + 10


def test_a_smaller_student_takes_the_place_of_its_teacher(folders: Folders, tmp_path: Path) -> None:
    compressed = run(folders, tmp_path, [{"distill": {"student": {"width": 4}, "epochs": 8}}], most=20)
    base, student = compressed.variants
    assert (student.kept, compressed.served) == (True, "1-distill")
    assert student.parameters < base.parameters / 3


def test_an_empty_recipe_serves_the_model_as_it_was_trained(folders: Folders, tmp_path: Path) -> None:
    compressed = run(folders, tmp_path, [])
    assert (compressed.served, compressed.served_onnx) == ("uncompressed", compressed.baseline_onnx)
    assert kept(compressed) == {"uncompressed": True}


def test_a_compression_that_is_killed_goes_on_where_it_stood(folders: Folders, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.real.compress.recipes", *map(str, folders), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("1-prune: epoch 2"):
                process.kill()
    assert process.returncode == -9
    (exported,) = tmp_path.glob("compress-0-*/done.json")
    before = exported.stat().st_mtime_ns
    said: list[Progress] = []
    compressed = run(folders, tmp_path, DEFAULT, say=said.append)
    assert exported.stat().st_mtime_ns == before
    assert min(progress.epoch for progress in said if progress.epoch is not None) >= 2
    assert [row.epoch for row in compressed.epochs] == [1, 2, 3, 4]
    assert compressed.served in ("1-prune", "2-quantize")
