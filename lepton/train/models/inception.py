"""Small networks of Inception blocks (Szegedy et al. 2015, arXiv:1512.00567): branches of several sizes in parallel."""

import torch
from torch import nn

from lepton.train.models.layers import conv_bn_relu, stem

DEFAULT_WIDTH = 16


class InceptionBlock(nn.Module):
    """Four branches that see 1x1, 3x3, 5x5 (as two 3x3) and a pooled 3x3 neighbourhood, joined along the channels."""

    def __init__(self, inputs: int, branch: int) -> None:
        super().__init__()
        self.point = conv_bn_relu(inputs, branch, 1)
        self.small = nn.Sequential(conv_bn_relu(inputs, branch, 1), conv_bn_relu(branch, branch, 3))
        self.large = nn.Sequential(
            conv_bn_relu(inputs, branch, 1), conv_bn_relu(branch, branch, 3), conv_bn_relu(branch, branch, 3)
        )
        self.pooled = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv_bn_relu(inputs, branch, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, inputs, height, width) to (batch, 4 * branch, height, width)."""
        return torch.cat([self.point(images), self.small(images), self.large(images), self.pooled(images)], 1)


def inception(num_classes: int, input_shape: tuple[int, int, int], width: int = DEFAULT_WIDTH) -> nn.Module:
    """A network from images (batch, channels, height, width) to logits; width is the channels of stem and branches."""
    return nn.Sequential(
        stem(input_shape[0], width, max(input_shape[1:])),
        InceptionBlock(width, width),
        InceptionBlock(width * 4, width),
        nn.MaxPool2d(2),
        InceptionBlock(width * 4, width * 2),
        InceptionBlock(width * 8, width * 2),
        nn.MaxPool2d(2),
        InceptionBlock(width * 8, width * 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width * 8, num_classes),
    )
