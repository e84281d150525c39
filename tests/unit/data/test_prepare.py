"""From a URL to arrays, with real files."""

import errno
import itertools
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import numpy as np
import PIL.Image
import pytest
from sklearn.datasets import load_digits

from lepton.errors import LeptonError
from lepton.report import DataReport, Progress
from lepton.spec.data import Data, Image, Split
from lepton.spec.reasons import Reason
from lepton.train.data import arrays
from lepton.train.data import prepare as prepare_module
from lepton.train.data.image import decode
from lepton.train.data.prepare import prepare
from lepton.train.data.prepared import SIDES, Prepared, load
from lepton.train.data.sources import digits as digits_module
from lepton.train.data.sources import folder as folder_module
from lepton.train.data.sources.digits import Digits
from lepton.train.data.sources.location import locate
from lepton.urls import unusable
from tests.unit.data.pictures import encoded, image_folder, picture, pixels

RUN = itertools.count()


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


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return image_folder(tmp_path / "pets", {"cats": 20, "dogs": 30})


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


def test_folder_zip_url_and_npz_of_the_same_images_give_the_same_examples(pets: Path, tmp_path: Path) -> None:
    expected = in_memory(run(pets, tmp_path))
    assert in_memory(run(pets.as_uri(), tmp_path)) == expected
    assert in_memory(run(zip_of(pets, tmp_path / "flat.zip"), tmp_path)) == expected
    assert in_memory(run(zip_of(pets, tmp_path / "top.zip", "pets-1.0/", reverse=True), tmp_path)) == expected
    x = np.stack([pixels(number) for number in range(50)])
    from_npz = in_memory(run(npz_of(tmp_path / "pets.npz", x=x, y=["cats"] * 20 + ["dogs"] * 30), tmp_path))
    assert from_npz[:4] + from_npz[5:] == expected[:4] + expected[5:]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_data_may_lie_behind_a_url(pets: Path, tmp_path: Path, web: str) -> None:
    expected = in_memory(run(pets, tmp_path))
    zip_of(pets, tmp_path / "pets.zip")
    assert in_memory(run(f"{web}/pets.zip?download=1", tmp_path)) == expected
    memory = fsspec.filesystem("memory")
    memory.put(str(pets), "/bucket/pets", recursive=True)
    assert in_memory(run("memory://bucket/pets", tmp_path)) == expected


def test_a_file_behind_a_url_that_is_too_large_is_refused_unread(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(pets), "/large/pets", recursive=True)
    memory.pipe_file("/large/pets/cat/huge.png", b"x" * 5000)
    fetched: list[str] = []

    def cat_ranges(paths: list[str], *_: object) -> list[bytes]:
        fetched.extend(paths)
        return [memory.cat_file(path) for path in paths]

    monkeypatch.setattr(folder_module, "MOST_BYTES", 4999)
    files, root = locate("memory://large/pets")
    monkeypatch.setattr(files, "cat_ranges", cat_ranges)
    source = folder_module.RemoteFolder("memory://large/pets", files, root)
    read = dict(zip(source.names, source.read(range(len(source.names))), strict=True))
    assert str(read.pop("cat/huge.png")) == "larger than 4999 bytes"
    assert list(read.values()) == [memory.cat_file(f"/large/pets/{name}") for name in read]
    assert [path.removeprefix("/large/pets/") for path in fetched] == list(read)


def test_digits_that_are_missing_are_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits_module, "_FILE", "sklearn/datasets/data/no_such_file.csv.gz")
    assert refused("sklearn://digits", tmp_path) == (
        Reason.DATA_NOT_FOUND,
        "data.uri: nothing lies at sklearn://digits: put the data there, or mend data.uri",
    )


def test_a_scheme_that_nobody_knows_is_told_as_everywhere_else(tmp_path: Path) -> None:
    assert refused("nosuch://pets", tmp_path) == (Reason.DATA_NOT_FOUND, f"data.uri: {unusable('nosuch://pets')}")


def test_a_url_that_leads_nowhere_is_told_from_a_host_that_does_not_answer(tmp_path: Path, web: str) -> None:
    reason, message = refused(f"{web}/pets.zip", tmp_path)
    assert (reason, message) == (
        Reason.DATA_NOT_FOUND,
        f"data.uri: nothing lies at {web}/pets.zip: put the data there, or mend data.uri",
    )
    reason, message = refused("http://127.0.0.1:9/pets.zip", tmp_path)
    assert reason == Reason.JOB_FAILED
    assert "it is tried again by itself" in message


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


@pytest.mark.parametrize(
    ("what", "x"),
    [
        ("grey", np.stack([pixels(number, channels=1)[:, :, 0] for number in range(20)])),
        ("float", np.linspace(0, 1, 20 * 64, dtype=np.float32).reshape(20, 8, 8)),
        ("channels last", np.stack([pixels(number) for number in range(20)])),
        ("channels first", np.stack([pixels(number).transpose(2, 0, 1) for number in range(20)])),
        ("one channel last", np.stack([pixels(number, channels=1) for number in range(20)])),
    ],
)  # fmt: skip
def test_an_npz_may_hold_its_images_in_several_ways(what: str, x: np.ndarray, tmp_path: Path) -> None:
    prepared = run(npz_of(tmp_path / "x.npz", x=x, y=np.arange(20) % 2), tmp_path)
    canonical = x if x.dtype == np.uint8 else np.rint(x.astype(np.float64) * 255).astype(np.uint8)
    canonical = canonical.transpose(0, 2, 3, 1) if what == "channels first" else canonical
    canonical = canonical.reshape(20, 8, 8, -1)
    assert prepared.shape == canonical.shape[1:]
    assert sorted(all_examples(prepared)) == sorted((row % 2, image.tobytes()) for row, image in enumerate(canonical))


def test_numbers_as_classes_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    x = np.stack([pixels(number, channels=1) for number in range(36)])
    assert run(npz_of(tmp_path / "x.npz", x=x, y=np.arange(36) % 12), tmp_path).classes == tuple(map(str, range(12)))


GOOD_X = np.stack([pixels(number, channels=1) for number in range(20)])
GOOD_Y = np.arange(20) % 2


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"images": GOOD_X, "y": GOOD_Y}, "holds images, y: it needs the arrays x (images) and y (classes)"),
        ({"x": GOOD_X.astype(np.int64), "y": GOOD_Y}, "is int64: give uint8 (0 to 255) or floating point (0 to 1)"),
        ({"x": GOOD_X.astype(np.float32), "y": GOOD_Y}, "holds numbers outside 0 to 1"),
        ({"x": np.full((20, 8, 8), np.nan), "y": GOOD_Y}, "holds numbers outside 0 to 1"),
        ({"x": GOOD_X[:, 0, 0], "y": GOOD_Y}, "has shape (20, 1): give (n, height, width)"),
        ({"x": np.zeros((20, 8, 8, 2), np.uint8), "y": GOOD_Y}, "has shape (20, 8, 8, 2): give (n, height, width)"),
        ({"x": GOOD_X[:, :0], "y": GOOD_Y}, "has shape (20, 0, 8, 1): give"),
        ({"x": GOOD_X, "y": GOOD_Y[:7]}, "has shape (7,): give one class for each of the 20 images"),
        ({"x": GOOD_X, "y": GOOD_Y.astype(float)}, "is float64: give integers or strings"),
        ({"x": GOOD_X, "y": np.array(["a", 1] * 10, dtype=object)}, "not Python objects"),
    ],
)
def test_an_npz_that_does_not_fit_is_refused_in_words(members: dict[str, object], said: str, tmp_path: Path) -> None:
    reason, message = refused(npz_of(tmp_path / "x.npz", **members), tmp_path)
    assert reason == Reason.DATA_INVALID
    assert said in message


def test_missing_data_is_named_with_its_nearest_neighbours(pets: Path, tmp_path: Path) -> None:
    reason, message = refused(tmp_path / "pet", tmp_path)
    assert reason == Reason.DATA_NOT_FOUND
    assert message == f"data.uri: nothing lies at {tmp_path / 'pet'}: did you mean {pets}?"
    assert refused(tmp_path / "a" / "b", tmp_path)[1].endswith(f"the folder {tmp_path / 'a'} doesn't exist either")
    assert refused("nonsense://x", tmp_path)[0] == Reason.DATA_NOT_FOUND


def test_one_class_is_too_few(tmp_path: Path) -> None:
    reason, message = refused(image_folder(tmp_path / "one", {"cats": 5}), tmp_path)
    assert reason == Reason.TOO_FEW_CLASSES
    assert message.endswith("one holds only the class cats: give at least two classes, each in a folder of its own")
    alike = npz_of(tmp_path / "x.npz", x=GOOD_X, y=np.zeros(20, int))
    assert refused(alike, tmp_path)[0] == Reason.TOO_FEW_CLASSES


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


def test_corrupt_images_are_counted_named_and_left_out_up_to_the_share_allowed(pets: Path, tmp_path: Path) -> None:
    expected = all_examples(run(pets, tmp_path))
    (pets / "cats" / "broken.jpg").write_bytes(encoded(picture(1, 64), "JPEG")[:700])
    (pets / "dogs" / "text.png").write_text("hello")
    (pets / "dogs" / "scan.tiff").write_bytes(encoded(picture(1), "TIFF"))
    prepared = run(pets, tmp_path, maxCorruptShare=0.1)
    assert prepared.report.corrupt == 3
    assert prepared.report.corrupt_examples == ("cats/broken.jpg", "dogs/scan.tiff", "dogs/text.png")
    assert sorted(all_examples(prepared)) == sorted(expected)
    reason, message = refused(pets, tmp_path)
    assert reason == Reason.TOO_MANY_CORRUPT
    assert "of 53 images can't be read, more than data.maxCorruptShare 0.01 allows" in message
    assert "cats/broken.jpg: not a readable image" in message


def test_a_folder_without_one_readable_image_says_so(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/2.png"):
        (tmp_path / "bad" / name).parent.mkdir(parents=True)
        (tmp_path / "bad" / name).write_text("hello")
    reason, message = refused(tmp_path / "bad", tmp_path, maxCorruptShare=1)
    assert (reason, message) == (
        Reason.TOO_MANY_CORRUPT,
        "data.uri: none of the images can be read (a/1.png, b/2.png): "
        "mend them, or give JPEG, PNG, BMP, WebP or GIF images",
    )


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "WEBP", "GIF"])
def test_the_very_first_image_may_be_cut_off_in_its_header(form: str, pets: Path, tmp_path: Path) -> None:
    expected = all_examples(run(pets, tmp_path))
    (pets / "cats" / "#.png").write_bytes(encoded(picture(1, 64), form)[:22])
    prepared = run(pets, tmp_path, maxCorruptShare=0.1)
    assert prepared.report.corrupt_examples == ("cats/#.png",)
    assert sorted(all_examples(prepared)) == sorted(expected)


def test_names_that_are_no_text_are_told_in_a_form_that_is(pets: Path, tmp_path: Path) -> None:
    (pets / os.fsdecode(b"cats/\xff.jpg")).write_text("hello")
    assert run(pets, tmp_path, maxCorruptShare=0.1).report.corrupt_examples == ("cats/\\udcff.jpg",)
    assert "cats/\\udcff.jpg: not a JPEG" in refused(pets, tmp_path)[1]
    (pets / "cats").rename(pets / os.fsdecode(b"\xff"))
    reason, message = refused(pets, tmp_path)
    assert (reason, "class folder '\\udcff' in" in message) == (Reason.DATA_INVALID, True), message


@pytest.mark.parametrize("place", [100, -100])
def test_an_npz_with_a_flipped_byte_is_refused_and_not_tried_again(place: int, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, x=GOOD_X, y=GOOD_Y)
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    assert refused(path, tmp_path)[0] == Reason.DATA_INVALID


def test_a_damaged_member_of_a_zip_is_corrupt_and_the_others_are_not(pets: Path, tmp_path: Path) -> None:
    path = zip_of(pets, tmp_path / "pets.zip")
    content = bytearray(path.read_bytes())
    content[content.index(encoded(picture(0))) + 60] ^= 0xFF
    path.write_bytes(content)
    assert run(path, tmp_path, maxCorruptShare=0.1).report.corrupt_examples == ("cats/0.png",)


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
