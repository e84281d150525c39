"""What the steps of the recipe hand to each other: the network as it stands, and what is the same for all of them.

Used by steps and run.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from lepton.report import Say
from lepton.spec.compress import Quantize
from lepton.spec.model import Model
from lepton.spec.resource import Spec
from lepton.train import weights
from lepton.train.data.prepared import Prepared
from lepton.train.fit import Fitted
from lepton.train.models.registry import build


@dataclass(frozen=True)
class Task:
    """What is the same for every step."""

    spec: Spec
    prepared: Prepared
    trained: Fitted
    """The uncompressed network, the teacher of every other."""
    say: Say

    @property
    def example_shape(self) -> tuple[int, int, int]:
        """Channels, height, width: an image as a network takes it."""
        height, width, channels = self.prepared.shape
        return channels, height, width

    def calibration_images(self, number: int) -> NDArray[np.uint8]:
        """At most `number` training examples, drawn by the training's seed, uint8 NHWC."""
        images, _ = self.prepared.arrays("train")
        random = np.random.default_rng(self.spec.train.seed)
        drawn = random.choice(len(images), size=min(number, len(images)), replace=False)
        return np.asarray(images[np.sort(drawn)])


@dataclass(frozen=True)
class Network:
    """A float network on disk, and the file that would be served."""

    model: Model
    weights: Path
    """Of the float network, as pruned as it is."""
    float_onnx: Path
    quantized: Quantize | None = None
    """How it is quantized; a later step works on the float network and is followed by the same quantization."""
    int8_onnx: Path | None = None

    @property
    def onnx(self) -> Path:
        """The file that is measured and served."""
        return self.int8_onnx or self.float_onnx

    def load(self, task: Task) -> nn.Module:
        """The float network, ready to answer. Raises LeptonError with MODEL_INVALID where the file doesn't fit."""
        net = build(self.model, len(task.prepared.classes), task.example_shape)
        weights.load(net, self.weights)
        return net.eval()
