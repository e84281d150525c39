"""A model whose answers are known without training: which quarter of the image is the brightest."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

CLASSES = ("north-west", "north-east", "south-west", "south-east")
SIZE = 8
SHAPE = (SIZE, SIZE, 1)


def quadrants_onnx(path: Path, *, order: tuple[int, ...] = (0, 1, 2, 3), sharpness: float = 8.0) -> Path:
    """Write the graph; another order gives wrong answers on purpose."""
    weights = np.zeros((SIZE, SIZE, 4), np.float32)
    half = SIZE // 2
    for index, place in enumerate(order):
        row, column = divmod(index, 2)
        weights[row * half : (row + 1) * half, column * half : (column + 1) * half, place] = sharpness / half**2 / 255
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["float"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "quadrants",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", *SHAPE])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 4])],
        [numpy_helper.from_array(weights.reshape(-1, 4), "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


def images(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images with one bright quarter, uint8 [count, SIZE, SIZE, 1], and which quarter it is."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    batch = generator.integers(0, 100, (count, *SHAPE), dtype=np.uint8)
    half = SIZE // 2
    for image, label in zip(batch, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[row * half : (row + 1) * half, column * half : (column + 1) * half] += 100
    return batch, labels


def png(image: np.ndarray) -> bytes:
    """The image as a PNG file, lossless."""
    buffer = io.BytesIO()
    Image.fromarray(image[:, :, 0]).save(buffer, "PNG")
    return buffer.getvalue()


def write_holdout(path: Path, count: int) -> Path:
    """holdout.zip as the data stage writes it."""
    batch, labels = images(count)
    names = [f"{index:05d}-{label}.png" for index, label in enumerate(labels)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, image in zip(names, batch, strict=True):
            archive.writestr(name, png(image))
        archive.writestr("labels.json", json.dumps([int(label) for label in labels]))
    return path
