"""What is served is the network with its pre- and post-processing, as training normalises."""

import torch
from torch import nn

from lepton.train.served import Served


def test_raw_pixels_become_probabilities() -> None:
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 5, 6))
    images = torch.randint(0, 256, (7, 4, 5, 3), dtype=torch.uint8)
    normal = (images.permute(0, 3, 1, 2) / 255 - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    served = Served(net, mean, std)
    assert torch.allclose(served.normalise(images.permute(0, 3, 1, 2)), normal, atol=1e-5)
    assert torch.allclose(served(images), net(normal).softmax(1), atol=1e-5)
    assert served(images).dtype == torch.float32
    assert list(served.state_dict()) == ["net.1.weight", "net.1.bias"]
