"""Networks as users write them: one that works, and every way not to."""

from collections.abc import Callable

import torch
from torch import nn


def linear(num_classes: int, input_shape: tuple[int, int, int], hidden: int = 4) -> nn.Module:
    channels, height, width = input_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, hidden), nn.Linear(hidden, num_classes))


def tied(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, num_classes))
    network[2].weight = network[1].weight
    return network


def grouped(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(input_shape[0], 8, 3),
        nn.Conv2d(8, 16, 3, groups=8),
        nn.BatchNorm2d(16, affine=False),
        nn.Conv2d(16, 8, 1, groups=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, num_classes),
    )


def text(num_classes: int, input_shape: tuple[int, int, int]) -> str:
    return "not a network"


def too_large(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000000000000 bytes.")


def five_classes(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    return linear(5, input_shape)


def whole_numbers(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    class Network(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.zeros(images.shape[0], num_classes, dtype=torch.int64)

    return Network()


def a_pair(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    class Network(nn.Module):
        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return images, images

    return Network()


def grey_only(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    return nn.Conv2d(1, num_classes, 3)


class WrongWhileItLearns(nn.Sequential):
    """A network that answers as it should until it is trained; then something happens to its logits."""

    def __init__(self, network: nn.Module, happens: Callable[[torch.Tensor], object]) -> None:
        super().__init__(network)
        self.happens = happens

    def forward(self, images: torch.Tensor) -> object:
        logits = super().forward(images)
        return self.happens(logits) if self.training else logits


def raises_while_it_learns(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    def happens(logits: torch.Tensor) -> object:
        raise KeyError("loss")

    return WrongWhileItLearns(linear(num_classes, input_shape), happens)


def pairs_while_it_learns(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    return WrongWhileItLearns(linear(num_classes, input_shape), lambda logits: (logits, logits))


def too_large_while_it_learns(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    def happens(logits: torch.Tensor) -> object:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1e12 bytes")

    return WrongWhileItLearns(linear(num_classes, input_shape), happens)


def raising(num_classes: int, input_shape: tuple[int, int, int]) -> nn.Module:
    raise RuntimeError("no such thing\nand more lines")


number = 7
