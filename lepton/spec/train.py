"""How the network learns."""

from typing import Annotated, Literal

from pydantic import Field

from lepton.spec.fields import Quantity, Section, Seed

DEFAULT_BATCH_SIZE = 64


class Optimizer(Section):
    """The rule that updates the weights."""

    name: Literal["sgd", "adam", "adamw"] = "adamw"
    """`sgd` uses Nesterov momentum 0.9."""
    learning_rate: Annotated[float, Field(gt=0, le=100)] | None = None
    """Peak learning rate; by default 0.1 for sgd, 0.003 for adam and adamw."""
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0005
    """Strength of weight decay; never applied to biases and normalisation layers."""


class EarlyStopping(Section):
    """When to stop before the last epoch."""

    patience: Annotated[int, Field(ge=1)] = 5
    """Epochs without improvement of the validation accuracy before training stops; those in which `onecycle` warms up
    (the first 30 %) don't count."""


class TrainResources(Section):
    """What one training worker may use."""

    cpu: Annotated[float, Field(gt=0)] | None = None
    """CPU cores for each worker; by default what the machine has, divided by the workers."""
    memory: Quantity | None = None
    """Memory for each worker, such as 8Gi; by default not limited."""
    gpu: Annotated[int, Field(ge=0)] = 0
    """GPUs for each worker."""


class Train(Section):
    """How the network learns."""

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Passes over the training examples."""
    batch_size: Annotated[int, Field(ge=2, le=65_536)] | None = None
    """Examples in one step, over all workers together; by default 64, or a tenth of the examples where that is
    less, so that an epoch has ten steps at least."""
    optimizer: Optimizer = Optimizer()
    """The rule that updates the weights."""
    schedule: Literal["constant", "cosine", "onecycle", "step"] = "onecycle"
    """How the learning rate moves over the epochs."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the target that is spread over the other classes."""
    early_stopping: EarlyStopping | None = None
    """When to stop before the last epoch; by default never."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` measures a few steps of each (with memory format and compilation) and takes the fastest."""
    workers: Annotated[int, Field(ge=1, le=1024)] = 1
    """Ray Train workers that share each step."""
    resources: TrainResources = TrainResources()
    """What one worker may use."""
    seed: Seed = 0
    """Seed of the initial weights, the order of examples and the augmentation."""

    def batch_size_for(self, examples: int) -> int:
        """Examples in one step when there are so many to train on."""
        return self.batch_size or max(2, min(DEFAULT_BATCH_SIZE, examples // 10))
