"""Writes the arrays of each side and measures the training images, a few megabytes at a time. Called by prepare."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

CHUNK_BYTES = 16 * 2**20


def write_images(path: Path, pixels: npt.NDArray[np.uint8], indices: Sequence[int]) -> None:
    """Write pixels[indices] (n, height, width, channels) as the .npy file path, flushed to disk. Raises OSError."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(indices), *pixels.shape[1:])}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]  # untyped in NumPy
        for chunk in _chunks(len(indices), pixels[0].nbytes):
            file.write(pixels[indices[chunk]].tobytes())
        file.flush()
        os.fsync(file.fileno())


def write_labels(path: Path, labels: npt.NDArray[np.int64]) -> None:
    """Write class indices (n,) as the .npy file path, flushed to disk. Raises OSError."""
    with path.open("wb") as file:
        np.save(file, labels, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def mean_and_std(images: npt.NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel of uint8 (n, height, width, channels), on the scale 0 to 1.

    Summed as whole numbers, so the result is exact. A channel that never varies gets one grey level as deviation.
    """
    levels = np.zeros((images.shape[3], 256), np.int64)
    for chunk in _chunks(len(images), images[0].nbytes):
        for channel in range(len(levels)):
            levels[channel] += np.bincount(images[chunk, ..., channel].ravel(), minlength=256)
    grey = np.arange(256) / 255
    share = levels / levels.sum(1, keepdims=True)
    mean = share @ grey
    deviation = np.sqrt((share * (grey - mean[:, np.newaxis]) ** 2).sum(1))
    return tuple(mean.tolist()), tuple(np.maximum(deviation, 1 / 255).tolist())


def _chunks(total: int, item_bytes: int) -> Iterator[slice]:
    size = max(1, CHUNK_BYTES // item_bytes)
    return (slice(start, start + size) for start in range(0, total, size))
