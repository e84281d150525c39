"""Writes a network as the ONNX file that is measured and served: image in, probabilities out, nothing else in it.

Called by compress.run for every float network. What the file answers is compared with the network before it is taken.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from lepton.compress.runtime import predict, session
from lepton.compress.slim import slim
from lepton.errors import LeptonError, first_line
from lepton.files import write_atomically
from lepton.spec.reasons import Reason
from lepton.train.served import Served

OPSET = 20
_TOLERANCE = 1e-3  # of a probability; fused batch normalisation and another order of sums differ by some 1e-6


def export(
    net: nn.Module, mean: Sequence[float], std: Sequence[float], shape: tuple[int, int, int], path: Path
) -> None:
    """Write net, which maps normalised NCHW images to logits, to path.

    The graph takes `image` uint8 [batch, *shape] with shape (height, width, channels) and any batch, and gives
    `probabilities` float32 [batch, classes]; mean and std are for pixels scaled to 0..1. Raises LeptonError with
    MODEL_INVALID where the network can't be expressed so.
    """
    served = Served(nn.Sequential(_Contiguous(), net), mean, std).to("cpu").eval()
    images = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    graph = slim(_to_onnx(served, torch.from_numpy(images)))
    _require_symbolic_batch(graph)
    _require_equal_answers(graph, served, images)
    write_atomically(path, graph.SerializeToString())


class _Contiguous(nn.Module):
    """Ends the channels-last layout that the image came in: with it, global pooling exports to a tangle of gathers."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.contiguous()


def _to_onnx(served: nn.Module, images: torch.Tensor) -> onnx.ModelProto:
    try:
        with _quiet():
            program = torch.onnx.export(
                served,
                (images,),
                dynamo=True,
                opset_version=OPSET,
                input_names=["image"],
                output_names=["probabilities"],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        cause = error.__cause__ or error
        raise _invalid(f"the network can't be exported to ONNX ({first_line(cause)})") from error
    return cast(torch.onnx.ONNXProgram, program).model_proto


def _require_symbolic_batch(graph: onnx.ModelProto) -> None:
    for value in (*graph.graph.input, *graph.graph.output):
        if not value.type.tensor_type.shape.dim[0].dim_param:
            raise _invalid(f"the network fixes the batch size of `{value.name}`: use x.shape[0] instead of len(x)")


def _require_equal_answers(graph: onnx.ModelProto, served: nn.Module, images: NDArray[np.uint8]) -> None:
    runtime = session(graph.SerializeToString())
    for batch in (images, images[:1]):
        with torch.inference_mode():
            expected = served(torch.from_numpy(batch)).numpy()
        distance = float(np.abs(predict(runtime, batch) - expected).max())
        if not distance <= _TOLERANCE:
            raise _invalid(f"the exported network answers otherwise than the trained one (off by {distance:.2g})")


def _invalid(what: str) -> LeptonError:
    return LeptonError(Reason.MODEL_INVALID, f"{what}: change `model` to a network that torch.onnx can export")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks on its own registry, which say nothing about the network."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(level)
