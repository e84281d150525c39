"""The plain two-layer network of the classic MNIST example: conv, pool, conv, pool, dense, dense."""

from torch import nn

from lepton.train.models.layers import shrink

DEFAULT_WIDTH = 32


def cnn(num_classes: int, input_shape: tuple[int, int, int], width: int = DEFAULT_WIDTH) -> nn.Module:
    """A network from images (batch, channels, height, width) to logits (batch, num_classes)."""
    channels, height, breadth = input_shape
    pool, cells = shrink(height // 4, breadth // 4, most=7)
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, width * 2, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        pool,
        nn.Flatten(),
        nn.Linear(width * 2 * cells, width * 4),
        nn.ReLU(),
        nn.Linear(width * 4, num_classes),
    )
