"""What the 8-bit file holds, how it runs, and how far its answers are."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from lepton.compress.methods.quantize import quantize
from lepton.compress.runtime import predict, session
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from tests.unit.compress.graphs import CLASSES, convolutional, images


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    onnx.save(convolutional(hidden=32), source)
    quantize(source, images(64), target)
    return source, target


def test_weights_are_stored_as_signed_bytes_per_output_channel(files: tuple[Path, Path]) -> None:
    graph = onnx.load(files[1]).graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    weights = {tuple(tensor.dims) for tensor in graph.initializer if tensor.data_type == TensorProto.INT8}
    assert {(32, 3, 3, 3), (32, 32, 3, 3), (CLASSES, 32)} <= weights
    large_floats = [
        tuple(t.dims) for t in graph.initializer if t.data_type == TensorProto.FLOAT and np.prod(t.dims) > 32
    ]
    assert large_floats == []
    scales = [
        tuple(tensors[node.input[1]].dims)
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in tensors
    ]
    assert sorted(scales) == [(CLASSES,), (32,), (32,)]


def test_only_normalisation_and_softmax_run_in_floating_point(files: tuple[Path, Path], tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(files[1], options, providers=["CPUExecutionProvider"])
    found = Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
    del found["Transpose"], found["Reshape"], found["Flatten"]
    assert found == {
        **{"Cast": 1, "Mul": 1, "Add": 1, "QuantizeLinear": 1},
        **{"QLinearConv": 2, "QLinearAdd": 1, "QLinearGlobalAveragePool": 1, "QGemm": 1},
        **{"DequantizeLinear": 1, "Softmax": 1},
    }


def test_answers_stay_close_and_the_batch_free(files: tuple[Path, Path]) -> None:
    unseen = images(100, seed=1)
    exact, rounded = (predict(session(path), unseen) for path in files)
    assert np.abs(exact - rounded).max() < 0.05
    assert np.mean(exact.argmax(axis=1) == rounded.argmax(axis=1)) >= 0.97
    np.testing.assert_array_equal(predict(session(files[1]), unseen[:1]), rounded[:1])


def test_the_file_is_a_fraction_of_the_float_one(files: tuple[Path, Path]) -> None:
    assert files[1].stat().st_size < files[0].stat().st_size / 2.5


def test_equal_examples_give_equal_files(files: tuple[Path, Path], tmp_path: Path) -> None:
    quantize(files[0], images(64), tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == files[1].read_bytes()


def test_a_graph_that_can_not_be_quantized_is_the_models_fault(tmp_path: Path) -> None:
    graph = convolutional()
    graph.graph.node[4].input[0] = "nowhere"
    onnx.save(graph, tmp_path / "broken.onnx")
    with pytest.raises(LeptonError, match="take `quantize` out of compress") as raised:
        quantize(tmp_path / "broken.onnx", images(8), tmp_path / "int8.onnx")
    assert (raised.value.reason, (tmp_path / "int8.onnx").exists()) == (Reason.MODEL_INVALID, False)
