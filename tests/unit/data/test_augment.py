"""Augmentation works on a whole batch and keeps what must be kept."""

import math

import pytest
import torch

from lepton.spec.data import Augmentation
from lepton.train.data.augment import AUGMENTATIONS, augment

NAMES: tuple[Augmentation, ...] = ("crop", "flip", "rotate", "erase")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(number: int = 64, side: int = 16) -> torch.Tensor:
    return torch.randint(1, 256, (number, 3, side, side), generator=seeded(7), dtype=torch.uint8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16])
def test_type_shape_and_input_are_kept_and_the_seed_decides(name: Augmentation, dtype: torch.dtype) -> None:
    images = batch().to(dtype)
    before = images.clone()
    changed = augment(images, [name], seeded())
    assert (changed.dtype, changed.shape) == (dtype, images.shape)
    assert torch.equal(images, before)
    assert not torch.equal(changed, images)
    assert torch.equal(changed, augment(images, [name], seeded()))
    assert not torch.equal(changed, augment(images, [name], seeded(1)))


def test_nothing_named_changes_nothing() -> None:
    assert torch.equal(augment(batch(), [], seeded()), batch())


def test_a_crop_shifts_by_at_most_an_eighth_and_brings_in_black() -> None:
    images = torch.zeros(500, 1, 16, 16, dtype=torch.uint8)
    images[:, :, 8, 8] = 255
    places = augment(images, ["crop"], seeded()).flatten(1).argmax(1)
    shifts = {(int(place) // 16 - 8, int(place) % 16 - 8) for place in places}
    assert shifts == {(down, right) for down in range(-2, 3) for right in range(-2, 3)}


def test_a_flip_mirrors_about_half_of_the_images() -> None:
    images = batch(400)
    flipped = augment(images, ["flip"], seeded())
    mirrored = (flipped == images.flip(3)).flatten(1).all(1)
    same = (flipped == images).flatten(1).all(1)
    assert bool((mirrored | same).all())
    assert 150 < int(mirrored.sum()) < 250


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize(("height", "width"), [(33, 33), (33, 65), (65, 33)])
def test_a_rotation_turns_about_the_centre_by_at_most_ten_degrees(height: int, width: int, upright: bool) -> None:
    images = torch.zeros(200, 1, height, width)
    line = images.transpose(2, 3) if upright else images
    line[:, :, line.shape[2] // 2, :] = 1
    turned = augment(images, ["rotate"], seeded())
    turned = (turned.transpose(2, 3) if upright else turned)[:, 0]
    across, along = turned.shape[1:]
    assert bool((turned[:, across // 2 - 1 : across // 2 + 2, along // 2].sum(1) > 0.9).all())
    moved = turned[:, :, -4].argmax(1) - across // 2
    reach = (along / 2 - 4) * math.tan(math.radians(10))
    assert int(moved.abs().max()) <= reach + 1
    assert int(moved.min()) < -0.8 * reach
    assert int(moved.max()) > 0.8 * reach


def test_erasing_blanks_one_rectangle_in_about_half_of_the_images() -> None:
    images = batch(400)
    blank = (augment(images, ["erase"], seeded()) == 0).all(1)
    assert 140 < int(blank.flatten(1).any(1).sum()) < 260
    for mask in blank[blank.flatten(1).any(1)]:
        rows, columns = mask.any(1), mask.any(0)
        assert torch.equal(mask, rows[:, None] & columns[None, :])
        assert int(rows.sum()) <= 7
        assert int(columns.sum()) <= 7
    assert bool((augment(images, ["erase"], seeded()) == images)[~blank[:, None].expand_as(images)].all())


def test_every_augmentation_of_the_spec_is_there() -> None:
    assert tuple(AUGMENTATIONS) == NAMES
