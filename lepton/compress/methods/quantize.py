"""Post-training static quantization to 8-bit integers (Jacob et al. 2017, arXiv:1712.05877) with ONNX Runtime.

Weights signed and per output channel, activations unsigned: with VNNI twice as fast as any other pairing. What leads up
to the first layer with weights, that is the normalisation of the image, and the final softmax stay in floating point.
Called by compress.steps.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from lepton.compress.slim import slim
from lepton.errors import LeptonError, first_line
from lepton.files import write_atomically
from lepton.spec.reasons import Reason

WITH_WEIGHTS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
BETWEEN = frozenset(
    {"Add", "AveragePool", "Clip", "Concat", "GlobalAveragePool", "MaxPool", "Relu", "Reshape", "Squeeze", "Transpose"}
)
"""What lies between layers with weights stays in integers too: each way out of them and back costs two passes."""
_BATCH = 32


def quantize(source: Path, images: NDArray[np.uint8], target: Path) -> None:
    """Write the 8-bit version of the float ONNX file `source` to `target`.

    `images` (uint8 NHWC training examples) show the ranges of the activations: the smallest and the largest value seen.
    Biases are left to the runtime, which turns them into integers when it loads the file. Raises LeptonError with
    MODEL_INVALID where ONNX Runtime can't quantize the graph.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            quantized = _quantized(source, images, Path(folder))
        except (MemoryError, OSError):
            raise
        except Exception as error:  # whatever a graph of the user's own makes the library raise
            remedy = "take `quantize` out of compress.steps, or change `model`"
            message = f"the network can't be quantized ({first_line(error)}): {remedy}"
            raise LeptonError(Reason.MODEL_INVALID, message) from error
    write_atomically(target, slim(quantized).SerializeToString())


def _quantized(source: Path, images: NDArray[np.uint8], folder: Path) -> onnx.ModelProto:
    named, fused, quantized = (folder / name for name in ("named.onnx", "fused.onnx", "quantized.onnx"))
    _name_nodes(onnx.load(source), named)
    quant_pre_process(named, fused, skip_symbolic_shape=True)
    graph = _name_nodes(onnx.load(fused), fused)
    quantize_static(
        fused,
        quantized,
        Calibration(images),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=sorted(WITH_WEIGHTS | BETWEEN),
        nodes_to_exclude=list(_before_the_first_weights(graph)),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        extra_options={"QuantizeBias": False},
    )
    return onnx.load(quantized)


class Calibration(CalibrationDataReader):  # type: ignore[misc]  # untyped in ONNX Runtime
    """Hands the examples to the calibrator in batches."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self._batches = iter([images[start : start + _BATCH] for start in range(0, len(images), _BATCH)])

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next batch; None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {"image": np.ascontiguousarray(batch)}


def _name_nodes(model: onnx.ModelProto, path: Path) -> onnx.GraphProto:
    for number, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}{number}"  # the quantizer tells nodes apart by their names
    onnx.save(model, path)
    return model.graph


def _before_the_first_weights(graph: onnx.GraphProto) -> Iterator[str]:
    constants = {tensor.name for tensor in graph.initializer} | {""}
    raw = {value.name for value in graph.input}
    for node in graph.node:
        if node.op_type not in WITH_WEIGHTS and raw.issuperset(set(node.input) - constants):
            raw.update(node.output)
            yield node.name
