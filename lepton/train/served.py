"""The network as it is served: raw pixels in, probabilities out. What is measured, exported and quantized is this.

Training normalises through the same class, so what is trained and what is served cannot differ.
"""

from collections.abc import Sequence

import torch
from torch import nn


class Served(nn.Module):
    """A network with its pre- and post-processing: uint8 (batch, height, width, channels) to probabilities.

    mean and std are per channel, on the scale 0 to 1.
    """

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, net: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.net = net
        deviation = torch.tensor(std, dtype=torch.float64).view(1, -1, 1, 1)
        average = torch.tensor(mean, dtype=torch.float64).view(1, -1, 1, 1)
        self.register_buffer("scale", (1 / (255 * deviation)).float(), persistent=False)
        self.register_buffer("shift", (-average / deviation).float(), persistent=False)

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 or float (batch, channels, height, width) on the scale 0 to 255 to what the network learns from."""
        return images.to(torch.float32) * self.scale + self.shift

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """uint8 (batch, height, width, channels) to float32 probabilities (batch, classes)."""
        logits: torch.Tensor = self.net(self.normalise(image.permute(0, 3, 1, 2)))
        return logits.softmax(1)
