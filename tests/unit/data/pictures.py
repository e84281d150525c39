"""Real small images for the tests: each number gives its own picture, the same every time."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image


def pixels(number: int, side: int = 8, channels: int = 3) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 256, (side, side, channels), dtype=np.uint8)


def picture(number: int, side: int = 8, channels: int = 3) -> Image.Image:
    array = pixels(number, side, channels)
    return Image.fromarray(array[:, :, 0] if channels == 1 else array)


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def image_folder(root: Path, classes: dict[str, int], side: int = 8) -> Path:
    """A folder per class with so many different PNG images in each."""
    number = 0
    for name, count in classes.items():
        (root / name).mkdir(parents=True)
        for index in range(count):
            (root / name / f"{index}.png").write_bytes(encoded(picture(number, side)))
            number += 1
    return root
