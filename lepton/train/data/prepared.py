"""Examples that are ready to learn from: fixed arrays in a folder, written once by prepare and only read afterwards.

train.npy, validation.npy, test.npy     uint8 (examples, height, width, channels)
train-labels.npy, ...                   int64 class indices
holdout.zip                             the test examples as raw encoded images, in the order of test.npy
done.json                               what load returns; written last
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from lepton.files import write_atomically
from lepton.report import DataReport

Side = Literal["train", "validation", "test"]
SIDES: tuple[Side, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Prepared:
    """A finished data folder."""

    directory: Path
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    """Height, width, channels."""
    mean: tuple[float, ...]
    """Per channel on the scale 0 to 1: as declared, else measured on the training examples."""
    std: tuple[float, ...]
    """As mean."""
    digest: str
    """`sha256:` over the raw contents and classes of all examples used, whatever their order."""
    report: DataReport

    @property
    def holdout(self) -> Path:
        """The test examples as raw images: `00000-<class index>.png` or `.jpg` in order, and labels.json."""
        return self.directory / "holdout.zip"

    def arrays(self, side: Side) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Images (examples, height, width, channels) mapped from disk, and their class indices (examples,)."""
        images = np.load(self.directory / f"{side}.npy", mmap_mode="r", allow_pickle=False)
        return images, np.load(self.directory / f"{side}-labels.npy", allow_pickle=False)


_STORED = TypeAdapter(Prepared)


def load(directory: Path) -> Prepared | None:
    """What an earlier prepare finished there; None when it never did."""
    try:
        done = json.loads((directory / "done.json").read_bytes())
        return _STORED.validate_python({**done, "directory": directory})
    except (OSError, ValueError):
        return None


def finish(prepared: Prepared) -> None:
    """Declare the folder finished. Raises LeptonError with DISK_FULL or STORE_UNWRITABLE."""
    content = _STORED.dump_json(prepared, by_alias=True, exclude={"directory"})
    write_atomically(prepared.directory / "done.json", content)
