"""What `lepton predict` takes, and what it says about what it doesn't."""

import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from lepton.cli.errors import CommandError
from lepton.cli.predict.client import Answer
from lepton.cli.predict.inputs import Item, collect
from lepton.cli.predict.show import answers_view, summary

SHAPE = (2, 3, 1)
PIXELS = [[0, 1, 2], [3, 4, 255]]


def plain(items: list[Item]) -> list[tuple[str, dict[str, tuple[tuple[int, ...], list[object]]], str | None]]:
    return [
        (item.name, {name: (t.shape, t.ravel().tolist()) for name, t in item.tensors.items()}, item.folder)
        for item in items
    ]


@pytest.mark.parametrize(
    ("what", "value", "shapes"),
    [
        ("rows of grey pixels", PIXELS, [(1, 2, 3, 1)]),
        ("one image with its channel", [[[p] for p in row] for row in PIXELS], [(1, 2, 3, 1)]),
        ("two images", [PIXELS, PIXELS], [(1, 2, 3, 1), (1, 2, 3, 1)]),
        ("two images with their channel", [[[[p] for p in row] for row in PIXELS]] * 2, [(1, 2, 3, 1), (1, 2, 3, 1)]),
    ],
)
def test_nested_lists_are_images(what: str, value: object, shapes: list[tuple[int, ...]]) -> None:
    items = list(collect([json.dumps(value)], SHAPE))
    assert [item.tensors["image"].shape for item in items] == shapes
    assert all(item.tensors["image"].dtype == np.uint8 for item in items)
    assert items[0].tensors["image"].ravel().tolist() == [0, 1, 2, 3, 4, 255]


def test_a_v2_body_is_sent_as_it_is(tmp_path: Path) -> None:
    body = {
        "inputs": [
            {"name": "image", "shape": [1, 2, 3, 1], "datatype": "UINT8", "data": [0, 1, 2, 3, 4, 255]},
            {"name": "words", "shape": [1, 1], "datatype": "BYTES", "data": ["abc"]},
        ]
    }
    file = tmp_path / "body.json"
    file.write_text(json.dumps(body))
    assert plain(list(collect([str(file)], SHAPE))) == [
        (
            str(file),
            {"image": ((1, 2, 3, 1), [0, 1, 2, 3, 4, 255]), "words": ((1, 1), [b"abc"])},
            None,
        )
    ]


def test_a_v2_body_of_several_rows_is_one_request_for_each() -> None:
    body = {"inputs": [{"name": "image", "shape": [2, 1], "datatype": "UINT8", "data": [7, 9]}]}
    assert plain(list(collect([json.dumps(body)], SHAPE))) == [
        ("inline JSON [0]", {"image": ((1, 1), [7])}, None),
        ("inline JSON [1]", {"image": ((1, 1), [9])}, None),
    ]


def test_a_folder_is_read_with_its_folders_as_classes(tmp_path: Path) -> None:
    for name in ("cat/b.jpg", "cat/a.PNG", "dog/c.jpeg", "top.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    assert plain(list(collect([str(tmp_path)], SHAPE))) == [
        (name, {"image_bytes": ((1, 1), [name.encode()])}, folder)
        for name, folder in [("cat/a.PNG", "cat"), ("cat/b.jpg", "cat"), ("dog/c.jpeg", "dog"), ("top.png", None)]
    ]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("/nowhere/at.png", "/nowhere/at.png does not exist: give an image file, a folder of images, or JSON"),
        ("[1, 2", "inline JSON is not JSON: "),
        ("{}", 'inline JSON: a v2 body must hold "inputs", a list of tensors'),
        ('{"inputs": [7]}', "inline JSON: inputs[0] must hold name, shape, datatype and data"),
        (
            '{"inputs": [{"name": "image", "shape": [1], "datatype": "UINT9", "data": [1]}]}',
            "inline JSON: inputs[0].datatype is 'UINT9'; allowed: BOOL, UINT8",
        ),
        (
            '{"inputs": [{"name": "image", "shape": [3], "datatype": "UINT8", "data": [1]}]}',
            "inline JSON: inputs[0].data does not fit its shape and datatype: ",
        ),
        (
            '{"inputs": [{"name": "image", "shape": [1], "datatype": "UINT8", "data": [256]}]}',
            "inline JSON: inputs[0].data does not fit its shape and datatype: ",
        ),
        (
            '{"inputs": [{"name": "image", "shape": [1], "datatype": "FP32", "data": [1e300]}]}',
            "inline JSON: inputs[0].data does not fit its shape and datatype: ",
        ),
        (
            '{"inputs": [{"name": "image", "shape": [1], "datatype": "INT64", "data": [NaN]}]}',
            "inline JSON: inputs[0].data does not fit its shape and datatype: ",
        ),
        (
            '{"inputs": [{"name": "a", "shape": [1], "datatype": "UINT8", "data": [1]},'
            ' {"name": "b", "shape": [2], "datatype": "UINT8", "data": [1, 2]}]}',
            "inline JSON: all inputs must have the same number of rows, not 1 and 2",
        ),
        ("[[1, 2], [3]]", "inline JSON must be numbers from 0 to 255 of shape [2, 3, 1] (height, width, channels)"),
        ('[["a", 2, 3], [4, 5, 6]]', "inline JSON must be numbers from 0 to 255 of shape [2, 3, 1]"),
        ("[" * 100_000, "inline JSON is not JSON: "),
        (f"[[{'9' * 400}, 1, 2], [3, 4, 5]]", "inline JSON must be numbers from 0 to 255 of shape [2, 3, 1]"),
        (
            '{"inputs": [{"name": "image", "shape": [0, 1], "datatype": "UINT8", "data": []}]}',
            "inline JSON: the inputs hold no rows",
        ),
        ("[]", "inline JSON must be numbers from 0 to 255 of shape [2, 3, 1]"),
        ("[[0.5, 1, 2], [3, 4, 5]]", "inline JSON must be whole numbers from 0 to 255 of shape [2, 3, 1]"),
        ("[[0, 1, 2], [3, 4, 256]]", "inline JSON must be whole numbers from 0 to 255 of shape [2, 3, 1]"),
    ],
)
def test_what_is_no_input_is_told_in_a_sentence(argument: str, sentence: str) -> None:
    with pytest.raises(CommandError) as caught:
        list(collect([argument], SHAPE))
    assert caught.value.message.startswith(sentence)
    assert caught.value.exit_code == 2


def test_a_file_that_is_no_text_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_bytes(b"[\xff]")
    with pytest.raises(CommandError, match=r"body\.json is not JSON: "):
        list(collect([str(tmp_path / "body.json")], SHAPE))


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        CommandError, match=r"holds no image \(\.bmp, \.gif, \.jfif, \.jpe, \.jpeg, \.jpg, \.png, \.webp\)"
    ):
        list(collect([str(tmp_path)], SHAPE))


def test_many_answers_are_counted_and_compared_with_their_folders() -> None:
    answers = [
        Answer("cat/a.png", "cat", 0.9, (), 0.5, "cat"),
        Answer("dog/b.png", "cat", 0.6, (), 0.7, "dog"),
        Answer("dog/c.png", "dog", 0.8, (), 0.6, "dog"),
    ]
    assert summary(answers) == (
        "3 images: cat (2), dog (1); 2 of 3 have the label of their folder (66.67 %); median 0.60 ms"
    )


def test_a_file_that_is_no_image_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    arrays, nameless = tmp_path / "x.npz", tmp_path / "picture"
    arrays.write_bytes(b"PK\x03\x04")
    nameless.write_bytes(b"\x89PNG...")
    assert [item.name for item in collect([str(nameless)], SHAPE)] == [str(nameless)]
    with pytest.raises(CommandError, match=r"x\.npz is no image: give an image file, a folder of images, or JSON"):
        list(collect([str(arrays)], SHAPE))


def test_a_folder_shows_as_many_classes_as_were_asked_for() -> None:
    top = (("cat", 0.7), ("dog", 0.2), ("[cow]", 0.1))
    console = Console(width=120, highlight=False, no_color=True)
    with console.capture() as capture:
        console.print(answers_view([Answer(name, "cat", 0.7, top, 0.5) for name in ("a.png", "b.png")], 2))
    shown = capture.get()
    assert shown.count("cat 70.00 %, dog 20.00 %") == 2
    assert "cow" not in shown
