"""A small MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381) for small images; plain ReLU, which quantizes well."""

import torch
from torch import nn

from lepton.train.models.layers import conv_bn_relu, stem

DEFAULT_WIDTH = 16
EXPANSION = 4
STAGES = ((1.0, 1, 1), (1.5, 2, 2), (2.0, 2, 2), (4.0, 2, 2))
"""For each stage: channels as a multiple of the width, blocks, stride of the first block."""


class InvertedResidual(nn.Module):
    """1x1 convolution that widens, 3x3 depthwise, 1x1 that narrows; added to its input where the shape is kept."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.widen = nn.Identity() if expansion == 1 else conv_bn_relu(inputs, hidden, 1)
        self.depthwise = conv_bn_relu(hidden, hidden, 3, stride, groups=hidden)
        self.narrow = conv_bn_relu(hidden, outputs, 1)[:2]
        self.residual = stride == 1 and inputs == outputs

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, inputs, height, width) to (batch, outputs, height / stride, width / stride)."""
        result: torch.Tensor = self.narrow(self.depthwise(self.widen(images)))
        return images + result if self.residual else result


def mobilenet(num_classes: int, input_shape: tuple[int, int, int], width: int = DEFAULT_WIDTH) -> nn.Module:
    """A network from images (batch, channels, height, width) to logits (batch, num_classes)."""
    layers: list[nn.Module] = [stem(input_shape[0], width, max(input_shape[1:]))]
    inputs = width
    for stage, (multiple, blocks, stride) in enumerate(STAGES):
        outputs = int(width * multiple)
        for block in range(blocks):
            layers.append(InvertedResidual(inputs, outputs, stride if block == 0 else 1, EXPANSION if stage else 1))
            inputs = outputs
    head = conv_bn_relu(inputs, width * 8, 1)
    return nn.Sequential(*layers, head, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width * 8, num_classes))
