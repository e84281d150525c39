"""Every architecture in one visible place, and the one function that makes a network from a spec."""

from collections.abc import Callable

from torch import nn

from lepton.errors import LeptonError
from lepton.spec.model import Architecture, Model
from lepton.spec.reasons import Reason
from lepton.train.models.cnn import cnn
from lepton.train.models.custom import custom
from lepton.train.models.inception import inception
from lepton.train.models.lenet import lenet
from lepton.train.models.mobilenet import mobilenet
from lepton.train.models.resnet import resnet

ARCHITECTURES: dict[Architecture, Callable[..., nn.Module]] = {
    "lenet": lenet,
    "cnn": cnn,
    "resnet": resnet,
    "mobilenet": mobilenet,
    "inception": inception,
}
"""Each is called as `f(num_classes, (channels, height, width))`, with width and depth where the spec gives them."""

SMALLEST_SIDE = 4
"""Pixels; on anything smaller the second pooling would leave nothing."""


def build(model: Model, num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    """A new network from normalised images (batch, *input_shape) to logits (batch, num_classes).

    input_shape is (channels, height, width). Raises LeptonError with MODEL_INVALID.
    """
    if model.module is not None:
        return custom(model.module, model.parameters, num_classes, input_shape)
    height, width = input_shape[1:]
    if min(height, width) < SMALLEST_SIDE:
        problem = f"images of {height}x{width} pixels are too small for {model.resolved_architecture}"
        remedy = f"set data.image.size to {SMALLEST_SIDE} or more"
        raise LeptonError(Reason.MODEL_INVALID, f"model.architecture: {problem}; {remedy}")
    given = {"depth": model.depth, "width": model.width}
    chosen = {name: value for name, value in given.items() if value is not None}
    return ARCHITECTURES[model.resolved_architecture](num_classes, input_shape, **chosen)
