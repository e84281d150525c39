"""Digits, folders, zips and files: each is read as what it is, or refused in words."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from lepton.spec.reasons import Reason
from lepton.train.data.sources import digits as digits_module
from lepton.train.data.sources.digits import Digits
from tests.unit.data.pictures import encoded, image_folder, picture, pixels
from tests.unit.data.preparing import in_memory, npz_of, refused, run, zip_of


def test_the_digits_are_there_without_a_network(tmp_path: Path) -> None:
    prepared = run("sklearn://digits", tmp_path)
    assert (prepared.classes, prepared.shape) == (tuple("0123456789"), (8, 8, 1))
    report = prepared.report
    assert (report.train, report.validation, report.test, report.corrupt) == (1259, 179, 359, 0)
    images, labels = prepared.arrays("train")
    assert (images.dtype, images.shape, labels.dtype, labels.shape) == (np.uint8, (1259, 8, 8, 1), np.int64, (1259,))
    assert prepared.mean == pytest.approx([float(images.mean()) / 255])
    assert prepared.std == pytest.approx([float(images.std()) / 255])


def test_the_digits_are_those_of_scikit_learn() -> None:
    images, labels = load_digits(return_X_y=True)
    digits = Digits()
    assert np.array_equal(np.stack(list(digits.read(range(1797)))), np.rint(images.reshape(-1, 8, 8, 1) * (255 / 16)))
    assert (digits.labels, images.max()) == ([str(label) for label in labels], 16)


def test_digits_that_are_missing_are_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits_module, "_FILE", "sklearn/datasets/data/no_such_file.csv.gz")
    assert refused("sklearn://digits", tmp_path) == (
        Reason.DATA_NOT_FOUND,
        "data.uri: nothing lies at sklearn://digits: put the data there, or mend data.uri",
    )


def test_folder_zip_url_and_npz_of_the_same_images_give_the_same_examples(pets: Path, tmp_path: Path) -> None:
    expected = in_memory(run(pets, tmp_path))
    assert in_memory(run(pets.as_uri(), tmp_path)) == expected
    assert in_memory(run(zip_of(pets, tmp_path / "flat.zip"), tmp_path)) == expected
    assert in_memory(run(zip_of(pets, tmp_path / "top.zip", "pets-1.0/", reverse=True), tmp_path)) == expected
    x = np.stack([pixels(number) for number in range(50)])
    from_npz = in_memory(run(npz_of(tmp_path / "pets.npz", x=x, y=["cats"] * 20 + ["dogs"] * 30), tmp_path))
    assert from_npz[:4] + from_npz[5:] == expected[:4] + expected[5:]


def test_hidden_files_are_passed_over_and_nested_folders_belong_to_their_class(pets: Path, tmp_path: Path) -> None:
    expected = in_memory(run(pets, tmp_path))
    (pets / "cats" / "indoors" / "old").mkdir(parents=True)
    (pets / "cats" / "0.png").rename(pets / "cats" / "indoors" / "old" / "0.png")
    for hidden in ("__MACOSX/cats", ".cache", "cats/.thumbs"):
        (pets / hidden).mkdir(parents=True)
        (pets / hidden / "x.png").write_bytes(b"no image")
    (pets / "dogs" / "._1.png").write_bytes(b"no image")
    (pets / "dogs" / "Thumbs.db").write_bytes(b"no image")
    assert in_memory(run(pets, tmp_path)) == expected
    with zipfile.ZipFile(zip_of(pets, tmp_path / "pets.zip"), "a") as archive:
        archive.writestr("__MACOSX/pets/._x.png", b"no image")
    assert in_memory(run(tmp_path / "pets.zip", tmp_path)) == expected


def test_links_are_followed_but_not_in_circles(pets: Path, tmp_path: Path) -> None:
    expected = in_memory(run(pets, tmp_path))
    (pets / "dogs").rename(tmp_path / "elsewhere")
    (pets / "dogs").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(pets)
    (pets / "cats" / "loop").symlink_to(pets / "cats")
    assert in_memory(run(pets, tmp_path))[0] == expected[0]


def test_names_in_a_zip_that_climb_out_touch_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "slip.zip", "w") as archive:
        for number in range(10):
            archive.writestr(f"../../{'ab'[number % 2]}/{number}.png", encoded(picture(number)))
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", encoded(picture(number)))
    before = set(tmp_path.parent.rglob("*.png"))
    assert run(tmp_path / "slip.zip", tmp_path).report.per_class == {"a": 5, "b": 5}
    assert set(tmp_path.parent.rglob("*.png")) == before


def test_missing_data_is_named_with_its_nearest_neighbours(pets: Path, tmp_path: Path) -> None:
    reason, message = refused(tmp_path / "pet", tmp_path)
    assert reason == Reason.DATA_NOT_FOUND
    assert message == f"data.uri: nothing lies at {tmp_path / 'pet'}: did you mean {pets}?"
    assert refused(tmp_path / "a" / "b", tmp_path)[1].endswith(f"the folder {tmp_path / 'a'} doesn't exist either")
    assert refused("nonsense://x", tmp_path)[0] == Reason.DATA_NOT_FOUND


def test_folders_that_do_not_fit_are_refused_in_words(pets: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    flat = image_folder(tmp_path / "outer", {"flat": 5}) / "flat"
    text = tmp_path / "words.txt"
    text.write_text("hello")
    (tmp_path / "broken.zip").write_text("hello")
    (tmp_path / "broken.npz").write_text("hello")
    expected = {
        tmp_path / "empty": "holds no images: give a folder with one folder of images",
        flat: "holds images but no folders: put the images of each class into a folder of its own",
        text: "is a file that is neither .zip nor .npz",
        tmp_path / "broken.zip": "is not a zip file, or a damaged one",
        tmp_path / "broken.npz": "is not an NPZ file, or a damaged one",
        image_folder(tmp_path / "few", {"a": 5, "b": 2}): "class b has 2 different images",
    }
    for uri, said in expected.items():
        reason, message = refused(uri, tmp_path)
        assert (reason, said in message) == (Reason.DATA_INVALID, True), message
    (pets / "birds").mkdir()
    assert "class folder birds in" in refused(pets, tmp_path)[1]
