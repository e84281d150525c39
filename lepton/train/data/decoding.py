"""Decodes all examples of a source into one file of pixels, counts what can't be read, and takes both digests.

Called by prepare. Memory stays bounded: a few blocks are in flight, whatever the number of examples.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from joblib import cpu_count
from PIL import Image

from lepton.errors import LeptonError
from lepton.spec.data import Data
from lepton.spec.reasons import Reason
from lepton.train.data.image import decode, fit, open_image
from lepton.train.data.sources.base import Raw, Source

BLOCK_BYTES = 4 * 2**20
MOST_ROWS_IN_BLOCK = 256
SMALL_PIXELS = 64 * 64
"""Smaller images decode faster in one thread than in several that wait for each other."""
NAMED = 10
"""How many unreadable files are named."""


@dataclass
class Decoded:
    """What became of the rows of a source: the images in the file of pixels, in its order, and what is not in it."""

    shape: tuple[int, int, int]
    """Height, width, channels of each image."""
    rows: list[int] = field(default_factory=list)
    """Row in the source of each image."""
    labels: list[str] = field(default_factory=list)
    """Class of each image."""
    contents: list[bytes] = field(default_factory=list)
    """sha256 of the pixels that the model sees: equal ones are duplicates."""
    originals: list[bytes] = field(default_factory=list)
    """sha256 of what lies in the source."""
    corrupt: list[tuple[int, str]] = field(default_factory=list)
    """Rows that can't be read, and why."""


def find_shape(source: Source, rows: Sequence[int], data: Data) -> tuple[int, int, int]:
    """Height, width and channels that the model sees, as declared or else those of the first readable example."""
    size, channels = data.image.size, {"auto": None, "gray": 1, "rgb": 3}[data.image.channels]
    if size is not None and channels is not None:
        return (size, size, channels)
    for raw in source.read(rows):
        try:
            side, colours = _side_and_channels(raw)
        except ValueError:
            continue
        side = size or min(side, 224)
        return (side, side, channels or colours)
    problem = f"data.uri: none of the images can be read ({', '.join(names_of(source, rows))})"
    raise LeptonError(Reason.TOO_MANY_CORRUPT, f"{problem}: mend them, or give JPEG, PNG, BMP, WebP or GIF images")


def names_of(source: Source, rows: Sequence[int]) -> tuple[str, ...]:
    """The first few of these examples by name, as text that can be written down whatever the file system calls them."""
    return tuple(source.names[row].encode(errors="backslashreplace").decode() for row in rows[:NAMED])


def decode_all(
    source: Source,
    rows: Sequence[int],
    shape: tuple[int, int, int],
    data: Data,
    pixels: Path,
    done: Callable[[int], None],
) -> Decoded:
    """Write the images of rows as uint8 (n, *shape) to the file pixels, in order and without the corrupt ones.

    done is told the number of rows decoded. Raises LeptonError with TOO_MANY_CORRUPT as soon as that is certain, and
    OSError when the file can't be written.
    """
    decoded = Decoded(shape)
    size = max(1, min(MOST_ROWS_IN_BLOCK, BLOCK_BYTES // (shape[0] * shape[1] * shape[2])))
    blocks = [rows[start : start + size] for start in range(0, len(rows), size)]
    threads = _threads(source, rows)

    def work(block: Sequence[int]) -> _Block:
        return _decode_block(source, block, shape, data.image.resize)

    with pixels.open("wb") as file:
        for block in _in_order(work, blocks, threads):
            file.write(block.pixels)
            decoded.rows += block.rows
            decoded.labels += [source.labels[row] for row in block.rows]
            decoded.contents += block.contents
            decoded.originals += block.originals
            decoded.corrupt += block.corrupt
            if len(decoded.corrupt) > data.max_corrupt_share * len(rows):
                raise _too_many(source, decoded.corrupt, len(rows), data.max_corrupt_share)
            done(len(decoded.rows) + len(decoded.corrupt))
    return decoded


@dataclass
class _Block:
    pixels: bytearray = field(default_factory=bytearray)
    rows: list[int] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    originals: list[bytes] = field(default_factory=list)
    corrupt: list[tuple[int, str]] = field(default_factory=list)


def _decode_block(source: Source, rows: Sequence[int], shape: tuple[int, int, int], resize: str) -> _Block:
    block = _Block()
    for row, raw in zip(rows, source.read(rows), strict=True):
        try:
            pixels = _pixels(raw, shape, resize).tobytes()
        except ValueError as error:
            block.corrupt.append((row, str(error)))
            continue
        block.pixels += pixels
        block.rows.append(row)
        block.contents.append(hashlib.sha256(pixels).digest())
        block.originals.append(original_digest(raw))
    return block


def original_digest(raw: Raw) -> bytes:
    """sha256 of an example as it lies in the source; for pixels also over their shape."""
    if isinstance(raw, bytes):
        return hashlib.sha256(raw).digest()
    if isinstance(raw, ValueError):
        return b""
    return hashlib.sha256(repr(raw.shape).encode() + raw.tobytes()).digest()


def to_image(pixels: npt.NDArray[np.uint8]) -> Image.Image:
    """An image of pixels (height, width, 1 or 3)."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def _pixels(raw: Raw, shape: tuple[int, int, int], resize: str) -> npt.NDArray[np.uint8]:
    if isinstance(raw, ValueError):
        raise raw
    if isinstance(raw, bytes):
        return decode(raw, *shape, resize)
    return raw if raw.shape == shape else fit(to_image(raw), *shape, resize)


def _side_and_channels(raw: Raw) -> tuple[int, int]:
    if isinstance(raw, ValueError):
        raise raw
    if isinstance(raw, bytes):
        image = open_image(raw)
        return max(image.size), 1 if Image.getmodebase(image.mode) == "L" else 3
    return max(raw.shape[:2]), raw.shape[2]


def _threads(source: Source, rows: Sequence[int]) -> int:
    for raw in source.read(rows[:1]):
        if isinstance(raw, bytes):
            try:
                image = open_image(raw)
            except ValueError:
                break
            if image.width * image.height <= SMALL_PIXELS:
                return 1
    return int(cpu_count())


def _in_order(
    work: Callable[[Sequence[int]], _Block], blocks: Sequence[Sequence[int]], threads: int
) -> Iterator[_Block]:
    """The results of work in the order of blocks, with at most two blocks for each thread in memory."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[_Block]] = deque()
        try:
            for block in blocks:
                waiting.append(pool.submit(work, block))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _too_many(source: Source, corrupt: Sequence[tuple[int, str]], total: int, allowed: float) -> LeptonError:
    names = names_of(source, [row for row, _ in corrupt])
    named = "; ".join(f"{name}: {why}" for name, (_, why) in zip(names, corrupt, strict=False))
    problem = (
        f"at least {len(corrupt)} of {total} images can't be read, more than data.maxCorruptShare {allowed:g} allows"
    )
    return LeptonError(Reason.TOO_MANY_CORRUPT, f"data.uri: {problem}: mend or remove them, or allow more ({named})")
