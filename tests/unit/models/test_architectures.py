"""Every architecture takes every shape of image, can be pruned, and comes back from its file as it was."""

from pathlib import Path
from typing import get_args

import pytest
import torch
import torch_pruning
from torch import nn

from lepton.errors import LeptonError
from lepton.spec.model import Architecture, Model
from lepton.spec.reasons import Reason
from lepton.train.models.registry import ARCHITECTURES, build
from lepton.train.weights import load, save

NETWORKS = [
    *(Model(architecture=name, width=4) for name in get_args(Architecture)),
    Model(architecture="resnet", depth=18, width=4),
    Model(architecture="resnet", depth=14, width=4),
]
SHAPES = [(1, 4, 4), (1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 20, 50), (3, 72, 72), (3, 136, 136)]


def named(value: object) -> str:
    return f"{value.architecture}{value.depth or ''}" if isinstance(value, Model) else str(value)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("model", NETWORKS, ids=named)
def test_every_shape_of_image_gives_logits(model: Model) -> None:
    for shape in SHAPES:
        network = build(model, 5, shape)
        assert network(torch.rand(2, *shape)).shape == (2, 5), shape


@pytest.mark.parametrize("model", NETWORKS, ids=named)
def test_a_pruned_network_comes_back_from_its_file_with_the_same_answers(model: Model, tmp_path: Path) -> None:
    shape = (3, 16, 16)
    images = torch.rand(3, *shape)
    network = build(model, 5, shape).eval()
    before = parameters(network)
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    torch_pruning.pruner.BasePruner(
        network,
        images,
        importance=torch_pruning.importance.MagnitudeImportance(),
        pruning_ratio=0.5,
        ignored_layers=[last],
    ).step()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean)
            nn.init.uniform_(module.running_var)
    save(network, tmp_path / "weights.safetensors")
    again = build(model, 5, shape).eval()
    load(again, tmp_path / "weights.safetensors")
    assert parameters(again) == parameters(network) < before / 2
    with torch.no_grad():
        assert torch.equal(again(images), network(images))
    again.train()(images).sum().backward()
    assert all(parameter.grad is not None for parameter in again.parameters())


@pytest.mark.parametrize("model", NETWORKS, ids=named)
def test_the_graph_is_the_same_for_every_batch(model: Model) -> None:
    network = build(model, 5, (3, 16, 16)).eval()
    traced = torch.fx.symbolic_trace(network)  # refuses len(x) and whatever else would fix the batch when exported
    images = torch.rand(7, 3, 16, 16)
    assert torch.equal(traced(images), network(images))


@pytest.mark.parametrize(
    ("model", "millions"),
    [
        (Model(), 0.078),
        (Model(architecture="resnet", depth=20), 0.272),
        (Model(architecture="resnet", depth=18), 11.17),
        (Model(architecture="cnn"), 0.545),
        (Model(architecture="lenet"), 0.137),
        (Model(architecture="mobilenet"), 0.087),
        (Model(architecture="inception"), 0.146),
    ],
    ids=named,
)
def test_defaults_have_the_size_that_the_papers_or_the_name_promise(model: Model, millions: float) -> None:
    assert parameters(build(model, 10, (3, 32, 32))) / 1e6 == pytest.approx(millions, abs=0.005)


def test_a_seed_gives_the_same_network() -> None:
    networks = []
    for _ in range(2):
        torch.manual_seed(3)
        networks.append(build(Model(), 5, (1, 8, 8)).state_dict())
    assert all(torch.equal(tensor, networks[1][name]) for name, tensor in networks[0].items())


def test_images_that_are_too_small_are_refused_in_words() -> None:
    for name in ARCHITECTURES:
        with pytest.raises(LeptonError, match=f"images of 3x8 pixels are too small for {name}") as caught:
            build(Model(architecture=name), 5, (1, 3, 8))
        assert caught.value.reason == Reason.MODEL_INVALID


def test_every_architecture_of_the_spec_is_there() -> None:
    assert tuple(ARCHITECTURES) == get_args(Architecture)
