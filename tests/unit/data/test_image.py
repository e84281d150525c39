"""Decoding one image, as training and serving both do it."""

import ast
import inspect

import numpy as np
import pytest
from PIL import Image

from lepton.train.data import image
from lepton.train.data.image import decode
from tests.unit.data.pictures import encoded, picture, pixels


@pytest.mark.parametrize("form", ["PNG", "BMP", "WEBP"])
def test_a_lossless_image_comes_back_as_it_was(form: str) -> None:
    raw = encoded(picture(1), form, **({"lossless": True} if form == "WEBP" else {}))
    assert np.array_equal(decode(raw, 8, 8, 3, "stretch"), pixels(1))


@pytest.mark.parametrize("form", ["JPEG", "GIF"])
def test_a_lossy_image_comes_back_nearly_as_it_was(form: str) -> None:
    smooth = Image.linear_gradient("L").resize((16, 16))
    decoded = decode(encoded(smooth, form), 16, 16, 1, "stretch")
    assert np.abs(decoded[:, :, 0].astype(int) - np.asarray(smooth)).max() <= 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_exif_says(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    corner = np.zeros((8, 8), np.uint8)
    corner[:4, :4] = 255
    upright = {1: corner, 2: corner[:, ::-1], 3: corner[::-1, ::-1], 4: corner[::-1], 5: corner.T,
               6: np.rot90(corner, -1), 7: np.rot90(corner.T, 2), 8: np.rot90(corner)}  # fmt: skip
    raw = encoded(Image.fromarray(corner), "PNG", exif=exif)
    assert np.array_equal(decode(raw, 8, 8, 1, "stretch")[:, :, 0], upright[orientation])


def test_each_way_to_resize_keeps_what_it_promises() -> None:
    wide = np.full((8, 16, 3), 100, np.uint8)
    wide[:, :4] = wide[:, -4:] = 200
    results = {way: decode(encoded(Image.fromarray(wide)), 8, 8, 3, way) for way in ("stretch", "crop", "pad")}
    assert {way: result.shape for way, result in results.items()} == dict.fromkeys(results, (8, 8, 3))
    assert np.array_equal(results["crop"], np.full((8, 8, 3), 100))
    assert results["stretch"][0, 0, 0] == 200
    assert results["pad"][[0, 1, 6, 7]].max() == 0
    assert results["pad"][2:6].min() >= 100


def test_grey_and_colour_are_turned_into_each_other() -> None:
    grey = pixels(3, channels=1)
    as_rgb = decode(encoded(picture(3, channels=1)), 8, 8, 3, "stretch")
    assert np.array_equal(as_rgb, grey.repeat(3, axis=2))
    assert np.array_equal(decode(encoded(Image.fromarray(as_rgb)), 8, 8, 1, "stretch"), grey)


def test_what_is_transparent_lies_on_white_and_16_bit_greys_keep_their_shade() -> None:
    clear = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    assert decode(encoded(clear), 8, 8, 3, "stretch").min() == 255
    deep = Image.fromarray(np.full((8, 8), 0x80FF, np.uint16))
    assert np.array_equal(decode(encoded(deep), 8, 8, 1, "stretch"), np.full((8, 8, 1), 0x80))


def test_a_large_jpeg_keeps_its_picture() -> None:
    large = Image.linear_gradient("L").resize((640, 640)).convert("RGB")
    decoded = decode(encoded(large, "JPEG"), 32, 32, 3, "stretch").astype(int)
    assert np.abs(decoded - np.asarray(large.resize((32, 32), Image.Resampling.BILINEAR))).max() <= 4


@pytest.mark.parametrize(
    ("what", "raw", "said"),
    [
        ("nothing", b"", "not a JPEG, PNG, BMP, WebP or GIF image"),
        ("text", b"hello", "not a JPEG, PNG, BMP, WebP or GIF image"),
        ("TIFF", encoded(picture(1), "TIFF"), "not a JPEG, PNG, BMP, WebP or GIF image"),
        ("half a JPEG", encoded(picture(1, 64), "JPEG")[:700], "not a readable image"),
        ("a JPEG's first bytes", encoded(picture(1, 64), "JPEG")[:60], "not a readable image"),
        ("half a PNG", encoded(picture(1, 64))[:700], "not a readable image"),
        ("a bomb", encoded(Image.new("1", (10_000, 10_000))), "more than the 64000000 that are allowed"),
        ("a larger bomb", encoded(Image.new("1", (20_000, 10_000))), "too many pixels"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_image_is_refused_in_words(what: str, raw: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        decode(raw, 8, 8, 3, "stretch")


def test_the_file_stands_alone_because_it_is_copied_into_what_is_served() -> None:
    tree = ast.parse(inspect.getsource(image))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"io", "numpy", "numpy.typing", "PIL"}
