"""Takes out of an ONNX graph all that no runtime needs: in a small network, that is most of the file.

The exporter writes a stack trace at every node, the quantizer a long name and a scale for every tensor. Used by export
and quantize. What the graph computes is not touched.
"""

import itertools
from collections.abc import Iterator

import onnx


def slim(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without notes, with short names and with each constant once. Names of inputs and outputs stay."""
    lean = onnx.ModelProto()
    lean.CopyFrom(model)
    graph = lean.graph
    _drop_notes(lean)
    if not _has_inner_graphs(graph):  # a branch of an If names the tensors around it
        _merge_equal_constants(graph)
        _shorten_names(graph)
    used = {node.domain for node in graph.node} | {""}
    opsets = [opset for opset in lean.opset_import if opset.domain in used]
    lean.ClearField("opset_import")
    lean.opset_import.extend(opsets)
    return lean


def _drop_notes(model: onnx.ModelProto) -> None:
    graph = model.graph
    model.ClearField("metadata_props")
    for field in ("value_info", "metadata_props", "doc_string", "quantization_annotation"):
        graph.ClearField(field)
    for part in (*graph.input, *graph.output, *graph.initializer, *graph.node):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    for field in ("doc_string", "domain", "producer_version"):
        model.ClearField(field)
    model.producer_name, graph.name = "lepton", "lepton"


def _has_inner_graphs(graph: onnx.GraphProto) -> bool:
    inner = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
    return any(attribute.type in inner for node in graph.node for attribute in node.attribute)


def _merge_equal_constants(graph: onnx.GraphProto) -> None:
    kept: dict[bytes, str] = {}
    stands_for: dict[str, str] = {}
    unique: list[onnx.TensorProto] = []
    for tensor in graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        content = f"{tensor.data_type} {array.shape} ".encode() + array.tobytes()
        stands_for[tensor.name] = kept.setdefault(content, tensor.name)
        if stands_for[tensor.name] == tensor.name:
            unique.append(onnx.numpy_helper.from_array(array, tensor.name))
    for node in graph.node:
        node.input[:] = [stands_for.get(name, name) for name in node.input]
    needed = {name for node in graph.node for name in node.input}
    graph.ClearField("initializer")
    graph.initializer.extend(tensor for tensor in unique if tensor.name in needed)


def _shorten_names(graph: onnx.GraphProto) -> None:
    names: dict[str, str] = {value.name: value.name for value in (*graph.input, *graph.output)} | {"": ""}
    fresh = _short_names()

    def short(name: str) -> str:
        if name not in names:
            names[name] = next(fresh)
        return names[name]

    for tensor in graph.initializer:
        tensor.name = short(tensor.name)
    for node in graph.node:
        node.name = ""
        node.input[:] = map(short, node.input)
        node.output[:] = map(short, node.output)


def _short_names() -> Iterator[str]:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for length in itertools.count(1):
        yield from map("".join, itertools.product(letters, repeat=length))
