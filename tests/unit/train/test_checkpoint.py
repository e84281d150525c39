from pathlib import Path

import numpy as np
import pytest
import torch

from lepton.report import Epoch, Precision
from lepton.spec.model import Model
from lepton.spec.train import Optimizer, Train
from lepton.train import checkpoint, weights
from lepton.train.checkpoint import Past
from lepton.train.group import Group
from lepton.train.learner import Learner
from lepton.train.models.registry import build
from lepton.train.objective import Objective
from lepton.train.precision import SAFE
from lepton.train.served import Served

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (8, 8, 8, 1), dtype=np.uint8)
LABELS = RANDOM.integers(0, 10, 8)
OPTIMIZERS = ["sgd", "adam", "adamw"]


def learner(optimizer: str = "sgd", precision: Precision = SAFE, rate: float | None = None) -> Learner:
    torch.manual_seed(0)
    net = build(Model(depth=8, width=4), 10, (1, 8, 8))
    train = Train(optimizer=Optimizer(name=optimizer, learning_rate=rate))
    parts = Served(net, (0.3,), (0.4,)), net, Objective(0.0, None, 4.0, 0.7)
    return Learner(*parts, train, (), precision, Group(0, 1, torch.device("cpu")))


def past(*accuracies: float) -> Past:
    rows = [
        Epoch(stage="train", epoch=number, loss=1.0, accuracy=accuracy, learning_rate=0.1, seconds=1.0)
        for number, accuracy in enumerate(accuracies, 1)
    ]
    return Past(epochs=tuple(rows), precision=(SAFE,))


def state(net: torch.nn.Module) -> dict[str, list[float]]:
    return {name: tensor.flatten().tolist() for name, tensor in net.state_dict().items()}


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_is_read_back_learns_on_to_the_very_same_weights(
    optimizer: str, channels_last: bool, tmp_path: Path
) -> None:
    precision = SAFE.model_copy(update={"channels_last": channels_last})
    first, second = learner(optimizer, precision), learner(optimizer, precision)
    for _ in range(2):
        first.step(IMAGES, LABELS, 0.01)
    checkpoint.write(tmp_path, past(10.0, 20.0), first.net, first.optimizer)
    assert checkpoint.read(tmp_path, second.net, second.optimizer) == past(10.0, 20.0)
    for each in (first, second):
        for _ in range(2):
            each.step(IMAGES, LABELS, 0.01)
    assert state(first.net) == state(second.net)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_memory_format_changes_no_result(optimizer: str) -> None:
    formats = [learner(optimizer, SAFE.model_copy(update={"channels_last": it})) for it in (True, False)]
    for each in formats:
        for _ in range(5):
            each.step(IMAGES, LABELS, 0.001)
    first, second = (torch.cat([p.flatten() for p in each.net.parameters()]) for each in formats)
    torch.testing.assert_close(first, second, rtol=1e-2, atol=1e-4)


def test_the_best_weights_stay_when_a_later_epoch_is_worse(tmp_path: Path) -> None:
    it = learner()
    checkpoint.write(tmp_path, past(50.0), it.net, it.optimizer)
    best = state(it.net)
    it.step(IMAGES, LABELS, 0.1)
    checkpoint.write(tmp_path, past(50.0, 40.0), it.net, it.optimizer)
    restored = learner().net
    weights.load(restored, tmp_path / checkpoint.BEST)
    assert state(restored) == best
    assert sorted(file.name for file in tmp_path.iterdir()) == ["best.safetensors", "last.safetensors"]


def test_a_fit_that_has_not_finished_an_epoch_begins_anew(tmp_path: Path) -> None:
    it = learner()
    before = state(it.net)
    assert checkpoint.read(tmp_path, it.net, it.optimizer) is None
    assert state(it.net) == before


def test_of_equal_epochs_the_latest_is_the_best_but_does_not_count_as_progress() -> None:
    it = past(50.0, 70.0, 60.0, 70.0)
    assert (it.best.epoch, it.stale()) == (4, 2)


def test_before_the_first_epoch_nothing_is_stale() -> None:
    assert past().stale() == 0
