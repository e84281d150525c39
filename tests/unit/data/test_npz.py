"""Arrays in an NPZ file: in each form that people use, or refused in words."""

from pathlib import Path

import numpy as np
import pytest

from lepton.spec.reasons import Reason
from tests.unit.data.pictures import pixels
from tests.unit.data.preparing import GOOD_X, GOOD_Y, all_examples, npz_of, refused, run


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


@pytest.mark.parametrize("place", [100, -100])
def test_an_npz_with_a_flipped_byte_is_refused_and_not_tried_again(place: int, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, x=GOOD_X, y=GOOD_Y)
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    assert refused(path, tmp_path)[0] == Reason.DATA_INVALID
