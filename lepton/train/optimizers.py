"""The rule that updates the weights, and how its learning rate moves. Used by the training loop."""

import math

import torch
from torch import nn

from lepton.spec.train import Optimizer, Train

_DEFAULT_LEARNING_RATE = {"sgd": 0.1, "adam": 0.003, "adamw": 0.003}
_WARM_UP = 0.3
_WARM_UP_FROM = 0.04


def peak_learning_rate(spec: Optimizer) -> float:
    """The learning rate that the schedule scales."""
    return spec.learning_rate or _DEFAULT_LEARNING_RATE[spec.name]


def make_optimizer(spec: Optimizer, net: nn.Module) -> torch.optim.Optimizer:
    """The optimizer over net's parameters; weight decay spares biases and normalisation layers."""
    weights = [p for p in net.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in net.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": weights, "weight_decay": spec.weight_decay}, {"params": others, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    rate = peak_learning_rate(spec)
    if spec.name == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True, fused=True)
    kind = torch.optim.AdamW if spec.name == "adamw" else torch.optim.Adam
    return kind(groups, lr=rate, fused=True)


def learning_rate(train: Train, step: int, steps: int) -> float:
    """The learning rate of step (from 0) of steps over the whole fit.

    onecycle: up along a cosine in the first 30 %, then down to zero (Smith and Topin 2018, arXiv:1708.07120).
    cosine: down to zero (Loshchilov and Hutter 2017, arXiv:1608.03983). step: a tenth after half and three quarters.
    """
    return peak_learning_rate(train.optimizer) * _factor(train.schedule, step / max(1, steps))


def warm_up_epochs(train: Train) -> int:
    """The epochs in which the learning rate still rises, the last of them perhaps not to its end."""
    return math.ceil(_WARM_UP * train.epochs) if train.schedule == "onecycle" else 0


def _factor(schedule: str, done: float) -> float:
    if schedule == "constant":
        return 1.0
    if schedule == "step":
        return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01
    if schedule == "cosine":
        return _cosine(done)
    if done < _WARM_UP:
        return _WARM_UP_FROM + (1 - _WARM_UP_FROM) * (1 - _cosine(done / _WARM_UP))
    return _cosine((done - _WARM_UP) / (1 - _WARM_UP))


def _cosine(done: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * done))
