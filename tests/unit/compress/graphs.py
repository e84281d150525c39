"""Small ONNX graphs for the tests, of the kind that export writes, notes and all."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SHAPE = (6, 6, 3)
CLASSES = 4


def convolutional(hidden: int = 8, seed: int = 0) -> onnx.ModelProto:
    """image -> normalisation -> Conv -> Relu -> Conv -> Add -> Relu -> pooling -> Gemm -> Softmax."""
    random = np.random.default_rng(seed)
    constants: dict[str, NDArray[np.generic]] = {
        "network.scale": np.full((1, 3, 1, 1), 1 / 64, np.float32),
        "network.shift": np.full((1, 3, 1, 1), -2, np.float32),
        "network.first.weight": random.normal(0, 0.4, (hidden, 3, 3, 3)).astype(np.float32),
        "network.first.bias": random.normal(0, 0.4, hidden).astype(np.float32),
        "network.second.weight": random.normal(0, 0.2, (hidden, hidden, 3, 3)).astype(np.float32),
        "network.second.bias": random.normal(0, 0.2, hidden).astype(np.float32),
        "network.last.weight": random.normal(0, 1, (CLASSES, hidden)).astype(np.float32),
        "network.last.bias": np.zeros(CLASSES, np.float32),
    }
    nodes = [
        helper.make_node("Transpose", ["image"], ["permuted"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["permuted"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["pixels", "network.scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "network.shift"], ["normalised"]),
        helper.make_node("Conv", ["normalised", *_parameters("first")], ["first"], pads=[1] * 4),
        helper.make_node("Relu", ["first"], ["first_relu"]),
        helper.make_node("Conv", ["first_relu", *_parameters("second")], ["second"], pads=[1] * 4),
        helper.make_node("Add", ["second", "first_relu"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["sum_relu"]),
        helper.make_node("GlobalAveragePool", ["sum_relu"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", *_parameters("last")], ["logits"], transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    return finished(nodes, constants)


def finished(nodes: list[onnx.NodeProto], constants: dict[str, NDArray[np.generic]]) -> onnx.ModelProto:
    """A model of these nodes from `image` to `probabilities`, with the notes that an exporter leaves."""
    for number, node in enumerate(nodes):
        node.name = f"node_of_a_long_name_{number}"
        node.doc_string = "File train.py, line 12, in forward"
        node.metadata_props.add(key="stack_trace", value="File train.py, line 12, in forward")
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", *SHAPE])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", CLASSES])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
        value_info=[helper.make_tensor_value_info("scaled", TensorProto.FLOAT, None)],
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("unused.domain", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="exporter")


def images(number: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (number, *SHAPE), dtype=np.uint8)


def _parameters(layer: str) -> tuple[str, str]:
    return f"network.{layer}.weight", f"network.{layer}.bias"
