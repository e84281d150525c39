"""What `lepton predict` is given: image files, folders of them, JSON in a file, inline or on standard input.

Turns each into the named tensors of one Open Inference Protocol v2 request; decides nothing about the answer.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from pydantic import JsonValue

from lepton.cli.errors import USAGE, CommandError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".gif"})
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"RIFF", b"GIF8")
"""First bytes of those images, for files whose names do not tell."""
Tensor = npt.NDArray[np.generic]
DATA_TYPES: dict[str, type[np.generic]] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}


@dataclass(frozen=True)
class Item:
    """One request to be made."""

    name: str
    tensors: dict[str, Tensor]
    """Named inputs, each with a batch dimension of 1."""
    folder: str | None = None
    """Name of the folder below the one that was given; where folders are classes, the true class."""


def collect(arguments: Sequence[str], shape: tuple[int, int, int]) -> Iterator[Item]:
    """Every request that the arguments ask for, in order. `shape` is height, width, channels of the model's images.

    Raises CommandError naming the argument that is none of what is allowed.
    """
    for argument in arguments:
        if argument == "-":
            yield from from_json(sys.stdin.buffer.read(), "standard input", shape)
        elif argument.lstrip().startswith(("{", "[")):
            yield from from_json(argument, "inline JSON", shape)
        else:
            yield from _from_path(Path(argument), shape)


def from_bytes(name: str, content: bytes, folder: str | None = None) -> Item:
    """One encoded image, sent as it is: the served model decodes it."""
    return Item(name, {"image_bytes": np.array([[content]], dtype=np.object_)}, folder)


def from_json(text: str | bytes, where: str, shape: tuple[int, int, int]) -> Iterator[Item]:
    """A v2 body (`{"inputs": [...]}`) or an image, or several, as nested lists of whole numbers from 0 to 255."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{where} is not JSON: {error}", USAGE) from error
    if isinstance(value, dict):
        yield from _rows(where, _tensors_of_body(value, where))
    elif isinstance(value, list):
        images = _as_images(value, where, shape)
        for number, image in enumerate(images):
            yield Item(where if len(images) == 1 else f"{where} [{number}]", {"image": image[np.newaxis]})
    else:
        raise CommandError(f"{where} must be a v2 body or nested lists of pixels, not {json.dumps(value)[:40]}", USAGE)


def _from_path(path: Path, shape: tuple[int, int, int]) -> Iterator[Item]:
    if path.is_dir():
        yield from _from_folder(path)
    elif not path.exists():
        raise CommandError(f"{path} does not exist: give an image file, a folder of images, or JSON", USAGE)
    elif path.suffix.lower() == ".json":
        yield from from_json(path.read_bytes(), str(path), shape)
    else:
        content = path.read_bytes()
        if path.suffix.lower() not in IMAGE_SUFFIXES and not content.startswith(_BEGINNINGS):
            raise CommandError(f"{path} is no image: give an image file, a folder of images, or JSON", USAGE)
        yield from_bytes(str(path), content)


def _from_folder(folder: Path) -> Iterator[Item]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
    if not found:
        raise CommandError(f"{folder} holds no image ({', '.join(sorted(IMAGE_SUFFIXES))})", USAGE)
    for path in found:
        relative = path.relative_to(folder)
        yield from_bytes(str(relative), path.read_bytes(), relative.parts[-2] if len(relative.parts) > 1 else None)


def _tensors_of_body(body: dict[str, JsonValue], where: str) -> dict[str, Tensor]:
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise CommandError(f'{where}: a v2 body must hold "inputs", a list of tensors', USAGE)
    return dict(_tensor(entry, f"{where}: inputs[{number}]") for number, entry in enumerate(inputs))


def _rows(where: str, tensors: dict[str, Tensor]) -> Iterator[Item]:
    """One item for each row of the batch."""
    counts = sorted({tensor.shape[0] if tensor.ndim else 0 for tensor in tensors.values()})
    if len(counts) > 1:
        given = " and ".join(str(count) for count in counts)
        raise CommandError(f"{where}: all inputs must have the same number of rows, not {given}", USAGE)
    if counts == [0]:
        raise CommandError(f"{where}: the inputs hold no rows: the first number of shape is how many there are", USAGE)
    for row in range(counts[0]):
        name = where if counts == [1] else f"{where} [{row}]"
        yield Item(name, {tensor: array[row : row + 1] for tensor, array in tensors.items()})


def _tensor(entry: JsonValue, where: str) -> tuple[str, Tensor]:
    if not isinstance(entry, dict) or not {"name", "shape", "datatype", "data"} <= entry.keys():
        raise CommandError(f"{where} must hold name, shape, datatype and data", USAGE)
    kind = DATA_TYPES.get(str(entry["datatype"]))
    if kind is None:
        raise CommandError(f"{where}.datatype is {entry['datatype']!r}; allowed: {', '.join(DATA_TYPES)}", USAGE)
    try:
        array = _exactly(entry["data"], kind).reshape(cast(list[int], entry["shape"]))
    except (ValueError, TypeError, ArithmeticError) as error:
        raise CommandError(f"{where}.data does not fit its shape and datatype: {error}", USAGE) from error
    if kind is np.object_:
        array = np.array([str(text).encode() for text in array.ravel()], dtype=np.object_).reshape(array.shape)
    return str(entry["name"]), array


def _exactly(data: JsonValue, kind: type[np.generic]) -> Tensor:
    """The numbers as this type; ValueError or ArithmeticError where one does not fit, which NumPy would wrap around."""
    given = np.array(data, dtype=np.object_ if kind is np.object_ else None)
    with np.errstate(over="raise", invalid="raise"):
        array = given.astype(kind)
    if np.issubdtype(kind, np.integer) and not np.array_equal(given, array):
        raise ValueError(f"not every number fits {array.dtype}")
    return array


def _as_images(value: list[JsonValue], where: str, shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    wanted = f"numbers from 0 to 255 of shape {list(shape)} (height, width, channels)"
    try:
        array = np.array(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise CommandError(
            f"{where} must be {wanted}; its lists are of different lengths, or hold text or giants", USAGE
        ) from error
    given = array.shape
    if shape[2] == 1 and array.shape[-2:] == shape[:2]:
        array = array[..., np.newaxis]
    if array.shape == shape:
        array = array[np.newaxis]
    if array.ndim != 4 or array.shape[1:] != shape:
        raise CommandError(f"{where} must be {wanted}, not of shape {list(given)}", USAGE)
    if array.size and (array.min() < 0 or array.max() > 255 or (array != np.floor(array)).any()):
        raise CommandError(f"{where} must be whole {wanted}; it holds {array.min():g} to {array.max():g}", USAGE)
    return array.astype(np.uint8)
