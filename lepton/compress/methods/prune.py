"""Structured pruning (DepGraph, Fang et al. 2023, arXiv:2301.12900): whole channels go, with all that depends on them.

In every layer the channels of the smallest group magnitude go, the same share everywhere; the classifier keeps its
classes. Called by compress.steps, which fine-tunes the result.
"""

import torch
import torch_pruning
from torch import nn

from lepton.errors import LeptonError, first_line
from lepton.spec.reasons import Reason

_Layer = nn.Linear | nn.Conv2d


def prune(net: nn.Module, ratio: float, example: torch.Tensor) -> None:
    """Take the share `ratio` of all channels out of net, in place.

    example is what net takes, float [1, channels, height, width]. Raises LeptonError with MODEL_INVALID where the
    network's layers can't be traced.
    """
    net.eval()
    try:
        pruner = torch_pruning.pruner.BasePruner(
            net,
            example,
            importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
            pruning_ratio=ratio,
            ignored_layers=[_classifier(net, example)],
        )
        pruner.step()
        with torch.inference_mode():
            net(example)
    except MemoryError:
        raise
    except Exception as error:  # whatever a traced network of the user's own makes the library raise
        remedy = "take `prune` out of compress.steps, or change `model`"
        message = f"the network can't be pruned ({first_line(error)}): {remedy}"
        raise LeptonError(Reason.MODEL_INVALID, message) from error


def _classifier(net: nn.Module, example: torch.Tensor) -> _Layer:
    """The layer that computes last: its outputs are the classes."""
    called: list[_Layer] = []
    layers = [layer for layer in net.modules() if isinstance(layer, _Layer)]
    hooks = [layer.register_forward_hook(lambda layer, _inputs, _output: called.append(layer)) for layer in layers]
    try:
        with torch.inference_mode():
            net(example)
    finally:
        for hook in hooks:
            hook.remove()
    return called[-1]
