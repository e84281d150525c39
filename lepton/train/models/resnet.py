"""Residual networks (He et al. 2015, arXiv:1512.03385): the CIFAR family of 6n+2 layers, and 18 with a 3x3 stem."""

import torch
from torch import nn

from lepton.train.models.layers import conv_bn_relu, stem

DEFAULT_DEPTH = 8
DEFAULT_WIDTH = 16
DEFAULT_WIDTH_18 = 64


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = conv_bn_relu(inputs, outputs, 3, stride)
        self.second = conv_bn_relu(outputs, outputs, 3)[:2]
        self.shortcut = (
            nn.Identity() if inputs == outputs and stride == 1 else conv_bn_relu(inputs, outputs, 1, stride)[:2]
        )
        self.relu = nn.ReLU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, inputs, height, width) to (batch, outputs, height / stride, width / stride)."""
        result: torch.Tensor = self.relu(self.second(self.first(images)) + self.shortcut(images))
        return result


def resnet(
    num_classes: int, input_shape: tuple[int, int, int], depth: int = DEFAULT_DEPTH, width: int | None = None
) -> nn.Module:
    """A network from images (batch, channels, height, width) to logits; depth is 18 or 6n+2.

    width is the channels of the first stage, by default 16, or 64 for depth 18.
    """
    stages, blocks, default = (4, 2, DEFAULT_WIDTH_18) if depth == 18 else (3, (depth - 2) // 6, DEFAULT_WIDTH)
    channels = width or default
    layers: list[nn.Module] = [stem(input_shape[0], channels, max(input_shape[1:]))]
    inputs = channels
    for stage in range(stages):
        outputs = channels * 2**stage
        for block in range(blocks):
            layers.append(BasicBlock(inputs, outputs, stride=2 if stage > 0 and block == 0 else 1))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, num_classes))
