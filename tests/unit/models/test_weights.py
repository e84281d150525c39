"""Weights on disk: whole or not there, and never another network's."""

from pathlib import Path

import pytest
import torch
from torch import nn

from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from lepton.train.weights import load, save
from tests.unit.models import nets

SHAPE = (1, 8, 8)


def refused(network: nn.Module, path: Path) -> tuple[Reason, str]:
    with pytest.raises(LeptonError) as caught:
        load(network, path)
    return caught.value.reason, caught.value.message


def test_weights_in_any_memory_format_and_tied_ones_come_back(tmp_path: Path) -> None:
    images = torch.rand(2, *SHAPE)
    for make in (nets.grouped, nets.tied, nets.linear):
        network = make(5, SHAPE).eval().to(memory_format=torch.channels_last)
        save(network, tmp_path / "w")
        again = make(5, SHAPE).eval()
        load(again, tmp_path / "w")
        assert torch.allclose(again(images), network(images), atol=1e-6)


def test_groups_that_stay_and_groups_that_go_with_their_channels_are_told_apart(tmp_path: Path) -> None:
    smaller = nn.Sequential(
        nn.Conv2d(1, 6, 3),
        nn.Conv2d(6, 12, 3, groups=6),
        nn.BatchNorm2d(12, affine=False),
        nn.Conv2d(12, 4, 1, groups=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 5),
    ).eval()
    save(smaller, tmp_path / "w")
    again = nets.grouped(5, SHAPE).eval()
    load(again, tmp_path / "w")
    assert str(again) == str(smaller)
    images = torch.rand(2, *SHAPE)
    assert torch.equal(again(images), smaller(images))


def test_a_missing_or_damaged_file_is_said(tmp_path: Path) -> None:
    network = nets.linear(5, SHAPE)
    save(network, tmp_path / "w")
    whole = (tmp_path / "w").read_bytes()
    for content in (b"", whole[:5], whole[:-10], whole + b"x", b"\xff" * 100):
        (tmp_path / "w").write_bytes(content)
        reason, message = refused(network, tmp_path / "w")
        assert reason == Reason.ARTIFACT_CORRUPT
        assert f"weights {tmp_path / 'w'} are damaged or half-written" in message
    reason, message = refused(network, tmp_path / "nothing")
    assert (reason, "can't be read" in message) == (Reason.ARTIFACT_CORRUPT, True)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), "it lacks 2.bias"),
        (nn.Sequential(nn.Flatten(), *(nn.Linear(4, 4) for _ in range(3))), "it holds 3.bias"),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.Linear(6, 5)), "size mismatch for 2.weight"),
        (nn.Sequential(nn.LayerNorm(4), nn.Linear(64, 4), nn.Linear(4, 5)), "it holds 0.bias"),
    ],
)
def test_the_weights_of_another_network_are_refused(other: nn.Module, said: str, tmp_path: Path) -> None:
    save(other, tmp_path / "w")
    reason, message = refused(nets.linear(5, SHAPE), tmp_path / "w")
    assert reason == Reason.MODEL_INVALID
    assert said in message
    assert "use the weights with the model section that they were trained with" in message


def test_a_shape_that_no_layer_can_take_is_refused(tmp_path: Path) -> None:
    save(nn.Sequential(nn.LayerNorm(4)), tmp_path / "w")
    reason, message = refused(nn.Sequential(nn.LayerNorm(8)), tmp_path / "w")
    assert reason == Reason.MODEL_INVALID
    assert "size mismatch for 0.bias" in message
    save(nn.Sequential(nn.Conv2d(1, 4, 3)), tmp_path / "w")
    assert refused(nn.Sequential(nn.Linear(4, 4)), tmp_path / "w")[0] == Reason.MODEL_INVALID
    save(nn.Sequential(nn.Linear(4, 4)), tmp_path / "w")
    assert refused(nn.Sequential(nn.Conv2d(1, 4, 3)), tmp_path / "w")[0] == Reason.MODEL_INVALID


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    save(nets.linear(5, SHAPE), tmp_path / "w")
    before = (tmp_path / "w").read_bytes()
    (tmp_path / "folder").mkdir()
    with pytest.raises(LeptonError) as caught:
        save(nets.linear(5, SHAPE), tmp_path / "folder")
    assert caught.value.reason == Reason.STORE_UNWRITABLE
    assert (tmp_path / "w").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "w"]
