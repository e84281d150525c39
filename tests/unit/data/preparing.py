"""How the tests prepare data, and what they compare of the result."""

import itertools
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lepton.errors import LeptonError
from lepton.spec.data import Data
from lepton.spec.reasons import Reason
from lepton.train.data.prepare import prepare
from lepton.train.data.prepared import SIDES, Prepared
from tests.unit.data.pictures import pixels

RUN = itertools.count()
GOOD_X = np.stack([pixels(number, channels=1) for number in range(20)])
GOOD_Y = np.arange(20) % 2


def run(uri: object, tmp_path: Path, **fields: object) -> Prepared:
    data = Data.model_validate({"uri": str(uri), **fields})
    return prepare(data, tmp_path / f"prepared-{next(RUN)}", lambda progress: None)


def refused(uri: object, tmp_path: Path, **fields: object) -> tuple[Reason, str]:
    with pytest.raises(LeptonError) as caught:
        run(uri, tmp_path, **fields)
    return caught.value.reason, caught.value.message


def all_examples(prepared: Prepared) -> list[tuple[int, bytes]]:
    found = []
    for side in SIDES:
        images, labels = prepared.arrays(side)
        found += [(int(label), image.tobytes()) for image, label in zip(images, labels, strict=True)]
    return found


def in_memory(prepared: Prepared) -> tuple[object, ...]:
    """All that a training could tell apart."""
    kept = [array.tobytes() for side in SIDES for array in prepared.arrays(side)]
    return prepared.classes, prepared.shape, prepared.mean, prepared.std, prepared.digest, kept


def zip_of(folder: Path, path: Path, top: str = "", reverse: bool = False) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png"), reverse=reverse):
            archive.write(file, top + file.relative_to(folder).as_posix())
    return path


def npz_of(path: Path, **members: object) -> Path:
    np.savez(path, **members)
    return path
