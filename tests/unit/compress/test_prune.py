"""What pruning leaves of every architecture."""

from pathlib import Path

import pytest
import torch
from torch import nn

from lepton.compress.measure import count_operations
from lepton.compress.methods.prune import prune
from lepton.errors import LeptonError
from lepton.spec.model import Architecture, Model
from lepton.spec.reasons import Reason
from lepton.train import weights
from lepton.train.models.registry import ARCHITECTURES, build

SHAPE = (3, 16, 16)
EXAMPLE = torch.zeros(1, *SHAPE)


def network(architecture: Architecture) -> nn.Module:
    torch.manual_seed(0)
    return build(Model(architecture=architecture, width=8), 5, SHAPE)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_half_the_channels_leave_a_fraction_of_the_work_and_all_classes(architecture: Architecture) -> None:
    net = network(architecture)
    macs, parameters = count_operations(net, (16, 16, 3))
    prune(net, 0.5, EXAMPLE)
    fewer_macs, fewer_parameters = count_operations(net, (16, 16, 3))
    assert net(EXAMPLE).shape == (1, 5)
    assert (fewer_macs < 0.45 * macs, fewer_parameters < 0.45 * parameters) == (True, True)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_pruned_network_is_rebuilt_from_its_file(architecture: Architecture, tmp_path: Path) -> None:
    net = network(architecture)
    prune(net, 0.5, EXAMPLE)
    weights.save(net, tmp_path / "pruned.safetensors")
    again = network(architecture).eval()
    weights.load(again, tmp_path / "pruned.safetensors")
    images = torch.randn(2, *SHAPE)
    assert torch.equal(net.eval()(images), again(images))


def test_the_channels_of_small_magnitude_go() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 5))
    strong = torch.tensor([1.0, 0.01, 1.0, 0.01]).view(4, 1, 1, 1)
    with torch.no_grad():
        net[0].weight.copy_(strong.expand_as(net[0].weight))
        net[3].weight.fill_(1.0)
    prune(net, 0.5, EXAMPLE)
    assert torch.equal(net[0].weight, torch.ones(2, 3, 3, 3))


class Unruly(nn.Module):
    """A network whose layers say nothing of their shapes: its channels are written into forward."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.last = nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.first(images).mean((2, 3)) * torch.ones(8))


def test_a_network_that_can_not_be_pruned_is_named_with_what_to_do() -> None:
    with pytest.raises(LeptonError, match="take `prune` out of compress") as raised:
        prune(Unruly(), 0.5, EXAMPLE)
    assert raised.value.reason is Reason.MODEL_INVALID
