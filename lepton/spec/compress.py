"""The recipe that makes the model small. Each step is measured; one that does not pay is dropped."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lepton.spec.fields import Section
from lepton.spec.model import Architecture, ResnetDepth
from lepton.spec.rules import Rule


class Student(Section):
    """A smaller network that learns from the trained one. What is left out is as in `model`."""

    architecture: Architecture | None = None
    """Architecture of the student; by default the teacher's."""
    depth: ResnetDepth | None = None
    """Depth of a resnet student: 18, or 6n+2."""
    width: Annotated[int, Field(ge=2, le=1024)] | None = None
    """Channels of the student's first stage."""


class Distill(Section):
    """Distillation (Hinton et al. 2015, arXiv:1503.02531): a student learns from the trained model's answers."""

    student: Student | None = None
    """The network that learns; by default the current model itself, such as one just pruned."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Passes over the training examples; by default half of `train.epochs`."""
    temperature: Annotated[float, Field(gt=0, le=100)] = 4.0
    """How much the teacher's answers are softened."""
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Weight of the teacher's answers against the true labels."""


class Prune(Section):
    """Structured pruning (DepGraph, Fang et al. 2023, arXiv:2301.12900): whole channels go, then fine-tuning."""

    ratio: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of the channels that goes."""
    epochs: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """Passes of fine-tuning; by default half of `train.epochs`, at least one."""


class Quantize(Section):
    """Post-training static quantization (Jacob et al. 2017, arXiv:1712.05877), calibrated on training examples."""

    scheme: Literal["int8"] = "int8"
    """8-bit weights per channel and 8-bit activations."""
    calibration: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Training examples that calibrate the activations' ranges."""


class CompressStep(Section):
    """One step of the recipe: exactly one of distill, prune or quantize."""

    rules: ClassVar = (
        Rule(
            "a step must hold exactly one of distill, prune or quantize",
            lambda it: [it.distill, it.prune, it.quantize].count(None) == 2,
            "[has(self.distill), has(self.prune), has(self.quantize)].exists_one(given, given)",
        ),
    )
    distill: Distill | None = None
    """A student learns from the trained model's answers."""
    prune: Prune | None = None
    """Whole channels go, then fine-tuning."""
    quantize: Quantize | None = None
    """8-bit integers instead of floating point."""

    @property
    def method(self) -> Literal["distill", "prune", "quantize"]:
        """The name of the one method that this step holds."""
        if self.distill is not None:
            return "distill"
        return "prune" if self.prune is not None else "quantize"


class Compress(Section):
    """The recipe: its steps run in the order given. An empty list serves the trained model as it is."""

    steps: Annotated[tuple[CompressStep, ...], Field(max_length=20)] = (
        CompressStep(prune=Prune()),
        CompressStep(quantize=Quantize()),
    )
    """The steps in order; by default prune by half, then quantize to 8-bit integers."""
