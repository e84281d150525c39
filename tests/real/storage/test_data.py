"""Data in an object store are what they are on the disk, and what can't be read is said in words."""

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
from lepton.urls import open_url
from tests.real.storage.servers import put
from tests.unit.data.pictures import encoded, image_folder, picture, pixels

RUN = itertools.count()


def run(uri: str, tmp_path: Path) -> Prepared:
    return prepare(Data(uri=uri), tmp_path / f"prepared-{next(RUN)}", lambda progress: None)


def told_apart(prepared: Prepared) -> tuple[object, ...]:
    """All that a training could tell apart, and the report."""
    arrays = [array.tobytes() for side in SIDES for array in prepared.arrays(side)]
    return prepared.digest, prepared.classes, prepared.shape, prepared.mean, prepared.std, prepared.report, arrays


def refused(uri: str, tmp_path: Path) -> tuple[Reason, str]:
    with pytest.raises(LeptonError) as caught:
        run(uri, tmp_path)
    return caught.value.reason, caught.value.message


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder of images, some of them with names that other programs take for patterns, and the same as files."""
    folder = image_folder(tmp_path / "pets", {"cats": 8, "wild dogs": 12})
    for number, name in enumerate(("a [1].png", "what?.png", "50% #*.png", "größe+1.png")):
        (folder / "cats" / f"{number}.png").rename(folder / "cats" / name)
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path))
    np.savez(tmp_path / "pets.npz", x=np.stack([pixels(number) for number in range(20)]), y=[0] * 8 + [1] * 12)
    return folder


def upload(place: Path, url: str) -> None:
    files, path = open_url(url)
    for file in [place] if place.is_file() else sorted(place.rglob("*.png")):
        files.put_file(str(file), f"{path}/{file.relative_to(place.parent).as_posix()}")


@pytest.mark.parametrize("name", ["pets", "pets.zip", "pets.npz"])
def test_data_in_a_bucket_are_prepared_as_those_on_the_disk(name: str, pets: Path, bucket: str, tmp_path: Path) -> None:
    upload(tmp_path / name, bucket)
    expected = told_apart(run(str(tmp_path / name), tmp_path))
    assert told_apart(run(f"{bucket}/{name}", tmp_path)) == expected


def test_a_whole_bucket_may_be_the_folder(pets: Path, bucket: str, tmp_path: Path) -> None:
    upload(pets / "cats", bucket)
    upload(pets / "wild dogs", bucket)
    assert told_apart(run(bucket, tmp_path)) == told_apart(run(str(pets), tmp_path))


def test_what_another_program_adds_is_seen_by_the_next_reading(pets: Path, bucket: str, tmp_path: Path) -> None:
    upload(pets, bucket)
    assert run(f"{bucket}/pets", tmp_path).report.per_class == {"cats": 8, "wild dogs": 12}
    put(f"{bucket}/pets/cats/new.png", encoded(picture(99)))
    assert run(f"{bucket}/pets", tmp_path).report.per_class == {"cats": 9, "wild dogs": 12}


@pytest.mark.parametrize("name", ["", "/pets", "/pets.zip", "/pets.npz"])
def test_a_bucket_or_a_key_that_is_not_there_is_said_so(name: str, bucket: str, tmp_path: Path) -> None:
    for uri in (f"{bucket}-of-others{name}", *([f"{bucket}{name}"] if name else [])):
        said = f"data.uri: nothing lies at {uri}: put the data there, or mend data.uri"
        assert refused(uri, tmp_path) == (Reason.DATA_NOT_FOUND, said)
