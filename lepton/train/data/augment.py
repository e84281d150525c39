"""Random changes to a batch of training images, all images of the batch at once. Called by the training loop.

Nothing here loops over images: a CPU spends far less time here than in the network.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from lepton.spec.data import Augmentation

SHIFT = 1 / 8
"""Largest shift as a share of height and width."""
ROTATION = math.radians(10)
"""Largest angle either way."""
ERASED = (0.1, 0.4)
"""Least and largest side of the erased rectangle as a share of the image's."""


def augment(images: torch.Tensor, names: Sequence[Augmentation], generator: torch.Generator) -> torch.Tensor:
    """Images changed at random in the ways named, one after the other; images itself is left as it is.

    images is (batch, channels, height, width), uint8 or float; the result has the same type and shape. What comes in
    from outside an image is 0: black, or the mean where images are normalised.
    """
    for name in names:
        images = AUGMENTATIONS[name](images, generator)
    return images


def crop(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Shift by up to an eighth of height and width."""
    batch, _, height, width = images.shape
    rows, columns = max(1, round(height * SHIFT)), max(1, round(width * SHIFT))
    windows = functional.pad(images, (columns, columns, rows, rows)).unfold(2, height, 1).unfold(3, width, 1)
    down = torch.randint(2 * rows + 1, (batch,), generator=generator, device=generator.device).to(images.device)
    right = torch.randint(2 * columns + 1, (batch,), generator=generator, device=generator.device).to(images.device)
    return windows[torch.arange(batch, device=images.device), :, down, right]


def flip(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Mirror half of the images, left to right."""
    chosen = _uniform(images, generator) < 0.5
    return torch.where(chosen, images.flip(3), images)


def rotate(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Rotate about the centre by up to ten degrees either way."""
    batch, _, height, width = images.shape
    angle = (_uniform(images, generator).view(batch) * 2 - 1) * ROTATION
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    # The grid runs from -1 to 1 along both axes, so the shape of the image enters the rotation.
    across = torch.stack([cosine, -sine * height / width, zero], 1)
    down = torch.stack([sine * width / height, cosine, zero], 1)
    grid = functional.affine_grid(torch.stack([across, down], 1), list(images.shape), align_corners=False)
    turned = functional.grid_sample(images.float(), grid, mode="bilinear", align_corners=False)
    return turned.to(images.dtype) if images.is_floating_point() else turned.round().to(images.dtype)


def erase(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Blank a random rectangle in half of the images (random erasing, Zhong et al. 2017, arXiv:1708.04896)."""
    inside = _span(images, 2, generator) & _span(images, 3, generator)
    chosen = _uniform(images, generator) < 0.5
    return images.masked_fill(inside & chosen, 0)


AUGMENTATIONS: dict[Augmentation, Callable[[torch.Tensor, torch.Generator], torch.Tensor]] = {
    "crop": crop,
    "flip": flip,
    "rotate": rotate,
    "erase": erase,
}


def _uniform(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One number of 0 to 1 for each image, (batch, 1, 1, 1)."""
    drawn = torch.rand((images.shape[0], 1, 1, 1), generator=generator, device=generator.device)
    return drawn.to(images.device)


def _span(images: torch.Tensor, axis: int, generator: torch.Generator) -> torch.Tensor:
    """For each image a random stretch along one axis, true inside it; shaped to combine with the other axis."""
    least, most = ERASED
    length = least + (most - least) * _uniform(images, generator)
    start = (1 - length) * _uniform(images, generator)
    shape = [1, 1, 1, 1]
    shape[axis] = -1
    size = images.shape[axis]
    place = ((torch.arange(size, device=images.device) + 0.5) / size).view(shape)
    return (place >= start) & (place < start + length)
