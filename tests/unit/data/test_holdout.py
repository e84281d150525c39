"""The held-out images as they came, for the gate to send."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lepton.train.data.image import decode
from tests.unit.data.pictures import encoded, picture
from tests.unit.data.preparing import run


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
def test_the_holdout_holds_raw_images_that_decode_to_the_test_set(form: str, resize: str, tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / "set" / "ab"[number % 2] / f"{number}.{form.lower()}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture(number, 20).resize((20, 12)), form))
    prepared = run(tmp_path / "set", tmp_path, image={"size": 10, "resize": resize})
    images, labels = prepared.arrays("test")
    suffix = "jpg" if form == "JPEG" else "png"
    with zipfile.ZipFile(prepared.holdout) as archive:
        names = [f"{place:05d}-{label}.{suffix}" for place, label in enumerate(labels)]
        assert archive.namelist() == [*names, "labels.json"]
        assert json.loads(archive.read("labels.json")) == labels.tolist()
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        decoded = [decode(archive.read(name), *prepared.shape, resize) for name in names]
        originals = {archive.read(name) for name in names}
    assert np.array_equal(np.stack(decoded), images)
    files = {path.read_bytes() for path in (tmp_path / "set").rglob("*.*")}
    assert (originals <= files) == (form in {"PNG", "JPEG"})


def test_the_holdout_of_an_array_is_lossless_and_the_same_every_time(tmp_path: Path) -> None:
    first, second = run("sklearn://digits", tmp_path), run("sklearn://digits", tmp_path)
    assert first.holdout.read_bytes() == second.holdout.read_bytes()
    with zipfile.ZipFile(first.holdout) as archive:
        decoded = [decode(archive.read(name), 8, 8, 1, "stretch") for name in archive.namelist()[:-1]]
    assert np.array_equal(np.stack(decoded), first.arrays("test")[0])
