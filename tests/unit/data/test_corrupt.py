"""Images that are none: counted, named and left out, up to the share that the spec allows."""

import os
from pathlib import Path

import pytest

from lepton.spec.reasons import Reason
from tests.unit.data.pictures import encoded, picture
from tests.unit.data.preparing import all_examples, refused, run, zip_of


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


def test_a_damaged_member_of_a_zip_is_corrupt_and_the_others_are_not(pets: Path, tmp_path: Path) -> None:
    path = zip_of(pets, tmp_path / "pets.zip")
    content = bytearray(path.read_bytes())
    content[content.index(encoded(picture(0))) + 60] ^= 0xFF
    path.write_bytes(content)
    assert run(path, tmp_path, maxCorruptShare=0.1).report.corrupt_examples == ("cats/0.png",)
