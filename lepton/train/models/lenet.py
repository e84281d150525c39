"""LeNet-5 (LeCun et al. 1998, Gradient-based learning applied to document recognition), with ReLU and max pooling."""

from torch import nn

from lepton.train.models.layers import shrink

DEFAULT_WIDTH = 6


def lenet(num_classes: int, input_shape: tuple[int, int, int], width: int = DEFAULT_WIDTH) -> nn.Module:
    """A network from images (batch, channels, height, width) to logits (batch, num_classes); width 6 is the paper's."""
    channels, height, breadth = input_shape
    second = width * 8 // 3
    pool, cells = shrink(height // 4, breadth // 4, most=7)
    return nn.Sequential(
        nn.Conv2d(channels, width, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width, second, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        pool,
        nn.Flatten(),
        nn.Linear(second * cells, width * 20),
        nn.ReLU(),
        nn.Linear(width * 20, width * 14),
        nn.ReLU(),
        nn.Linear(width * 14, num_classes),
    )
