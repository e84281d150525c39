import pytest
import torch
from torch import nn

from lepton.spec.train import Optimizer, Train
from lepton.train.optimizers import learning_rate, make_optimizer

SCHEDULES = {
    "constant": [1, 1, 1, 1, 1, 1],
    "cosine": [1, 0.9045, 0.6545, 0.3455, 0.0955, 0],
    "step": [1, 1, 1, 0.1, 0.01, 0.01],
    "onecycle": [0.04, 0.76, 0.9505, 0.6113, 0.1883, 0],
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_moves_the_learning_rate_as_it_should(schedule: str) -> None:
    train = Train(schedule=schedule, optimizer=Optimizer(name="sgd", learning_rate=1.0))
    assert [round(learning_rate(train, step, 10), 4) for step in range(0, 11, 2)] == SCHEDULES[schedule]


@pytest.mark.parametrize(("name", "rate"), [("sgd", 0.1), ("adam", 0.003), ("adamw", 0.003)])
def test_an_optimizer_without_a_learning_rate_has_its_own(name: str, rate: float) -> None:
    assert learning_rate(Train(schedule="constant", optimizer=Optimizer(name=name)), 0, 1) == rate


def test_weight_decay_spares_biases_and_normalisation() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))
    groups = make_optimizer(Optimizer(weight_decay=0.5), net).param_groups
    found = [(group["weight_decay"], [tuple(p.shape) for p in group["params"]]) for group in groups]
    assert found == [(0.5, [(2, 1, 3, 3), (2, 2)]), (0.0, [(2,), (2,), (2,), (2,)])]


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_an_optimizer_moves_the_weights_downhill(name: str) -> None:
    net = nn.Linear(1, 1)
    optimizer = make_optimizer(Optimizer(name=name), net)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = (net(torch.ones(2, 1)) - 3).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
