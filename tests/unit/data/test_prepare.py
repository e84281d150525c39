"""From examples to arrays that training reads: whole, the same every time, or refused in words."""

import errno
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from lepton.errors import LeptonError
from lepton.report import DataReport, Progress
from lepton.spec.data import Data, Image, Split
from lepton.spec.reasons import Reason
from lepton.train.data import arrays
from lepton.train.data import prepare as prepare_module
from lepton.train.data.prepare import prepare
from lepton.train.data.prepared import SIDES, load
from tests.unit.data.pictures import encoded, image_folder, picture, pixels
from tests.unit.data.preparing import GOOD_X, all_examples, in_memory, npz_of, refused, run


def test_a_folder_becomes_arrays_and_a_report(pets: Path, tmp_path: Path) -> None:
    prepared = run(pets, tmp_path)
    assert prepared.classes == ("cats", "dogs")
    assert prepared.report == DataReport(
        train=35,
        validation=5,
        test=10,
        per_class={"cats": 20, "dogs": 30},
        corrupt=0,
        duplicates=0,
        image_shape=(8, 8, 3),
    )
    expected = [(int(number >= 20), pixels(number).tobytes()) for number in range(50)]
    assert sorted(all_examples(prepared)) == sorted(expected)


def test_one_class_is_too_few(tmp_path: Path) -> None:
    reason, message = refused(image_folder(tmp_path / "one", {"cats": 5}), tmp_path)
    assert reason == Reason.TOO_FEW_CLASSES
    assert message.endswith("one holds only the class cats: give at least two classes, each in a folder of its own")
    alike = npz_of(tmp_path / "x.npz", x=GOOD_X, y=np.zeros(20, int))
    assert refused(alike, tmp_path)[0] == Reason.TOO_FEW_CLASSES


def test_duplicates_and_contradictions_are_counted_and_never_leak(pets: Path, tmp_path: Path) -> None:
    for number in range(20):
        (pets / "cats" / f"copy-{number}.bmp").write_bytes(encoded(picture(number), "BMP"))
    (pets / "dogs" / "cat.png").write_bytes(encoded(picture(3)))
    prepared = run(pets, tmp_path)
    assert (prepared.report.duplicates, prepared.report.contradictory) == (41, 3)
    sides = [{image.tobytes() for image in prepared.arrays(side)[0]} for side in SIDES]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 50


def test_the_digest_follows_contents_and_classes_only(pets: Path, tmp_path: Path) -> None:
    digest = run(pets, tmp_path).digest
    assert digest.startswith("sha256:")
    (pets / "cats" / "0.png").rename(pets / "cats" / "zero.png")
    assert run(pets, tmp_path, split={"seed": 5}, image={"size": 4}).digest == digest
    (pets / "cats" / "zero.png").rename(pets / "dogs" / "zero.png")
    assert run(pets, tmp_path).digest != digest


def test_size_channels_and_normalisation_are_as_declared_or_as_found(pets: Path, tmp_path: Path) -> None:
    image = Image(size=12, channels="gray", mean=(0.5,), std=(0.25,))
    prepared = run(pets, tmp_path, image=image.model_dump())
    assert (prepared.shape, prepared.mean, prepared.std) == ((12, 12, 1), (0.5,), (0.25,))
    (pets / "cats" / "0.png").write_bytes(encoded(picture(77, 300, 1)))
    assert run(pets, tmp_path).shape == (224, 224, 1)
    reason, message = refused(pets, tmp_path, image={"mean": [0.5] * 3, "std": [0.5] * 3})
    assert reason == Reason.DATA_INVALID
    assert "data.image.mean has 3 numbers, but the images have 1 channels" in message


def test_a_limit_is_the_same_choice_every_time(pets: Path, tmp_path: Path) -> None:
    prepared = run(pets, tmp_path, limit=20)
    assert prepared.report.per_class == {"cats": 8, "dogs": 12}
    assert in_memory(run(pets, tmp_path, limit=20)) == in_memory(prepared)


def test_what_is_finished_is_taken_as_it_is_and_what_is_half_written_is_begun_anew(pets: Path, tmp_path: Path) -> None:
    data, directory = Data(uri=str(pets)), tmp_path / "work"
    said: list[Progress] = []
    (directory / "scratch").mkdir(parents=True)
    (directory / "train.npy").write_bytes(b"half")
    assert load(directory) is None
    finished = prepare(data, directory, said.append)
    assert said
    assert {progress.stage for progress in said} == {"data"}
    assert sorted(path.name for path in directory.iterdir()) == sorted(
        ["done.json", "holdout.zip", *(f"{side}{kind}.npy" for side in SIDES for kind in ("", "-labels"))]
    )
    said.clear()
    assert prepare(data, directory, said.append) == load(directory) == finished
    assert said == []
    (directory / "done.json").write_text("{")
    assert prepare(data, directory, said.append) == finished
    assert said


def test_a_full_disk_is_said_and_leaves_nothing_behind(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Path("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        arrays.write_images(full, GOOD_X, [0])
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.setattr(prepare_module, "write_images", lambda path, *rest: arrays.write_images(full, *rest))
    reason, message = refused(pets, tmp_path)
    assert reason == Reason.DISK_FULL
    assert "free some space" in message
    assert not list(tmp_path.glob("prepared-*"))


def test_an_unwritable_place_is_said(pets: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LeptonError) as caught:
        prepare(Data(uri=str(pets)), tmp_path / "file" / "work", lambda progress: None)
    assert caught.value.reason == Reason.STORE_UNWRITABLE


def test_images_larger_than_a_block_are_decoded_in_order_by_several_threads(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (100, 72, 72, 3), dtype=np.uint8)
    root = tmp_path / "large"
    for row, image in enumerate(x):
        path = root / "ab"[row % 2] / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(PIL.Image.fromarray(image)))
    prepared = run(root, tmp_path, split=Split(seed=3).model_dump())
    assert sorted(all_examples(prepared)) == sorted((row % 2, image.tobytes()) for row, image in enumerate(x))
