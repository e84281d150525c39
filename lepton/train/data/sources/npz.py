"""An NPZ file with arrays `x` (images) and `y` (classes). No pickle is ever read.

`x` is unpacked to disk and mapped, so that memory stays bounded however many images there are.
"""

import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lepton.train.data.sources.base import Raw, invalid
from lepton.train.data.sources.location import failures_in_words, local_copy


class Npz:
    """Rows of `x` as pixels 0..255: uint8 as they are, floats of 0..1 scaled."""

    def __init__(self, uri: str, scratch: Path) -> None:
        self._uri = uri
        path = local_copy(uri, scratch)
        with failures_in_words(uri):
            try:
                with zipfile.ZipFile(path) as archive:
                    x, y = self._member(archive, "x", scratch), self._member(archive, "y", scratch)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise invalid(f"{uri} is not an NPZ file, or a damaged one ({error}): copy or save it anew") from error
            except RuntimeError as error:  # encrypted, or packed in a way that Python can't undo
                raise invalid(f"{uri} can't be unpacked ({error}): save it anew with numpy.savez") from error
        self._images = _channels_last(x, uri)
        self.labels = _labels(y, len(x), uri)
        self.names = [f"row {row}" for row in range(len(x))]

    def read(self, rows: Sequence[int]) -> Iterator[Raw]:
        """Pixels (height, width, channels) of each row. Raises LeptonError for floats outside 0..1."""
        for row in rows:
            pixels = self._images[row]
            if pixels.dtype == np.uint8:
                yield np.ascontiguousarray(pixels)
            elif pixels.min() >= 0 and pixels.max() <= 1:
                yield np.rint(pixels.astype(np.float64) * 255).astype(np.uint8)
            else:
                raise invalid(
                    f"x[{row}] of {self._uri} holds numbers outside 0 to 1: divide x by its maximum or give uint8"
                )

    def _member(self, archive: zipfile.ZipFile, key: str, scratch: Path) -> npt.NDArray[np.generic]:
        unpacked = scratch / f"{key}.npy"
        try:
            with archive.open(f"{key}.npy") as packed, unpacked.open("wb") as file:
                shutil.copyfileobj(packed, file, 2**20)
        except KeyError as error:
            keys = ", ".join(sorted(name.removesuffix(".npy") for name in archive.namelist())) or "nothing"
            raise invalid(f"{self._uri} holds {keys}: it needs the arrays x (images) and y (classes)") from error
        try:
            array: npt.NDArray[np.generic] = np.load(unpacked, mmap_mode="r", allow_pickle=False)
        except ValueError as error:
            problem = f"{key} of {self._uri} is no plain array ({error})"
            raise invalid(f"{problem}: save numbers or strings with a fixed type, not Python objects") from error
        return array


def _channels_last(x: npt.NDArray[np.generic], uri: str) -> npt.NDArray[np.generic]:
    if x.dtype != np.uint8 and x.dtype.kind != "f":
        raise invalid(f"x of {uri} is {x.dtype}: give uint8 (0 to 255) or floating point (0 to 1)")
    if x.ndim == 3 and x.size:
        return x[..., np.newaxis]
    if x.ndim == 4 and x.size and x.shape[3] in (1, 3):
        return x
    if x.ndim == 4 and x.size and x.shape[1] in (1, 3):
        return x.transpose(0, 2, 3, 1)
    allowed = "(n, height, width), (n, height, width, 1 or 3) or (n, 1 or 3, height, width)"
    raise invalid(f"x of {uri} has shape {x.shape}: give {allowed}")


def _labels(y: npt.NDArray[np.generic], examples: int, uri: str) -> list[str]:
    if y.ndim != 1 or len(y) != examples:
        raise invalid(
            f"y of {uri} has shape {y.shape}: give one class for each of the {examples} images, ({examples},)"
        )
    if y.dtype.kind not in "iuU":
        raise invalid(f"y of {uri} is {y.dtype}: give integers or strings")
    return [str(label) for label in y.tolist()]
