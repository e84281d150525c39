"""The held-out examples of an artifact as they came: encoded images and their true classes. Called by gate.run.

Nothing is decoded here: the endpoint gets the very bytes. Only for tensors does the artifact's own image.py decode.
"""

import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from lepton.errors import LeptonError
from lepton.spec.reasons import Reason

Decode = Callable[[bytes, int, int, int, str], npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class Holdout:
    """Encoded images in order, and the index of the true class of each, int64 [examples]."""

    images: tuple[bytes, ...]
    labels: npt.NDArray[np.int64]


def read_holdout(path: Path) -> Holdout:
    """Read holdout.zip, whose members are `<number>-<class index>.<suffix>`. Raises LeptonError ARTIFACT_CORRUPT."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name != "labels.json")
            images = tuple(archive.read(name) for name in names)
        labels = [int(Path(name).stem.partition("-")[2]) for name in names]
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        message = f"the held-out images {path} can't be read ({error}): delete the model and apply it again"
        raise LeptonError(Reason.ARTIFACT_CORRUPT, message) from error
    return Holdout(images, np.array(labels, np.int64))


def decoded(served: Path, images: Sequence[bytes]) -> npt.NDArray[np.uint8]:
    """The images as the server decodes them, [n, height, width, channels]; served holds image.py and model.json."""
    settings = json.loads((served / "model.json").read_bytes())
    shape = (settings["height"], settings["width"], settings["channels"])
    decode = _load_decode(served / "image.py")
    return np.stack([decode(raw, *shape, settings["resize"]) for raw in images])


def _load_decode(path: Path) -> Decode:
    """The function `decode` of an artifact's own image.py, whatever version of Lepton wrote it."""
    spec = spec_from_file_location("lepton_served_image", path)
    assert spec is not None  # noqa: S101 - a path that ends in .py
    assert spec.loader is not None  # noqa: S101 - a spec that comes from a file has one
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Decode, module.decode)
