"""The few pieces that the architectures share. Used by the files beside it; knows nothing of specs or data."""

from torch import nn


def conv_bn_relu(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution that keeps height and width (divided by stride), batch norm, plain ReLU: folds and quantizes well."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def stem(inputs: int, outputs: int, side: int) -> nn.Sequential:
    """First layers: 3x3 at full resolution for images up to 64 pixels; larger ones are halved, above 128 quartered."""
    if side <= 64:
        return conv_bn_relu(inputs, outputs, 3)
    layers = conv_bn_relu(inputs, outputs, 3, stride=2)
    return layers if side <= 128 else layers.append(nn.MaxPool2d(2))


def shrink(height: int, width: int, most: int) -> tuple[nn.Module, int]:
    """Average pooling that leaves about `most` cells a side, and the number of cells it leaves.

    An ordinary pooling with a size chosen here, for an adaptive one exports to a graph that is slow to run.
    """
    kernel = (max(1, height // most), max(1, width // most))
    cells = (height // kernel[0]) * (width // kernel[1])
    return (nn.Identity() if kernel == (1, 1) else nn.AvgPool2d(kernel)), cells
