"""What slim takes out, and what it must leave."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from lepton.compress.runtime import predict, session
from lepton.compress.slim import slim
from tests.unit.compress.graphs import SHAPE, convolutional, finished, images


def test_a_slim_graph_answers_the_same_to_the_bit() -> None:
    graph = convolutional()
    before, after = (session(model.SerializeToString()) for model in (graph, slim(graph)))
    np.testing.assert_array_equal(predict(before, images(70)), predict(after, images(70)))


def test_notes_and_long_names_go_and_only_input_and_output_keep_theirs() -> None:
    text = str(slim(convolutional()))
    told = ("stack_trace", "train.py", "long_name", "network.", "unused.domain", "exporter", "value_info", "doc_string")
    assert [word for word in told if word in text] == []
    lean = slim(convolutional())
    onnx.checker.check_model(lean, full_check=True)
    assert [value.name for value in (*lean.graph.input, *lean.graph.output)] == ["image", "probabilities"]


def test_the_graph_given_is_left_as_it_was() -> None:
    graph = convolutional()
    before = graph.SerializeToString(deterministic=True)
    slim(graph)
    assert graph.SerializeToString(deterministic=True) == before


def test_equal_constants_are_kept_once_and_unused_ones_go() -> None:
    same = np.full((1, 3, 1, 1), 2, np.float32)
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["pixels", "shape"], ["flat"]),
        helper.make_node("Mul", ["flat", "one"], ["scaled"]),
        helper.make_node("Add", ["scaled", "another"], ["probabilities"]),
    ]
    constants = {"one": same, "another": same, "unused": same + 1, "shape": np.array([-1, *SHAPE[::-1]])}
    assert len(slim(finished(nodes, constants)).graph.initializer) == 2


def test_constants_of_equal_bytes_but_another_shape_or_type_are_two() -> None:
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["pixels", "scalar"], ["scaled"]),
        helper.make_node("Mul", ["scaled", "vector"], ["again"]),
        helper.make_node("Reshape", ["again", "shape"], ["flat"]),
        helper.make_node("Gather", ["flat", "index"], ["probabilities"], axis=1),
    ]
    constants: dict[str, NDArray[np.generic]] = {
        **{"scalar": np.array(0, np.float32), "vector": np.zeros(1, np.float32)},
        **{"shape": np.array([0, -1]), "index": np.array([0], np.int32)},
    }
    assert len(slim(finished(nodes, constants)).graph.initializer) == 4


def test_a_graph_with_a_branch_keeps_the_names_that_the_branch_uses() -> None:
    value = [helper.make_tensor_value_info("chosen", TensorProto.FLOAT, None)]
    branches = [
        helper.make_graph([helper.make_node(op, ["summed", "weights"], ["chosen"])], op, [], value)
        for op in ("Add", "Mul")
    ]
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["pixels", "axes"], ["summed"], keepdims=0),
        helper.make_node("If", ["yes"], ["probabilities"], then_branch=branches[0], else_branch=branches[1]),
    ]
    constants = {"weights": np.ones((1, 1), np.float32), "axes": np.array([1, 2]), "yes": np.array(True)}
    graph = finished(nodes, constants)
    before, after = (session(model.SerializeToString()) for model in (graph, slim(graph)))
    np.testing.assert_array_equal(predict(before, images(2)), predict(after, images(2)))
