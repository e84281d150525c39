"""How the network learns."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from lepton.spec.fields import LABEL_NAME, LabelValue, ObjectName, Quantity, Section, Seed
from lepton.spec.rules import Rule

DEFAULT_BATCH_SIZE = 64
PLACEMENT = frozenset({"resources", "node_selector", "tolerations", "queue", "deadline_minutes"})
"""Fields of Train that say where and how long it trains and change nothing about what comes of it."""


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


class Toleration(Section):
    """A taint of nodes that training may run on all the same. The fields are those of Kubernetes."""

    rules: ClassVar = (
        Rule(
            "a toleration without a key must have the operator Exists",
            lambda it: it.key is not None or it.operator == "Exists",
            "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
        ),
        Rule(
            "a toleration with the operator Exists must have no value",
            lambda it: it.operator == "Equal" or it.value is None,
            "!has(self.operator) || self.operator == 'Equal' || !has(self.value)",
        ),
        Rule(
            "tolerationSeconds is only for the effect NoExecute",
            lambda it: it.toleration_seconds is None or it.effect == "NoExecute",
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
        ),
    )
    key: Annotated[str, Field(pattern=LABEL_NAME, max_length=317, examples=["nvidia.com/gpu"])] | None = None
    """Key of the taint, such as nvidia.com/gpu; left out, every key is meant."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """How the taint is compared: `Equal` with the value, `Exists` by its key alone."""
    value: LabelValue | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; left out, every effect is meant."""
    toleration_seconds: Annotated[int, Field(ge=0)] | None = None
    """Seconds for which a taint with the effect NoExecute is tolerated; by default for ever."""


ARE_LABELS = Rule(
    "each name must be that of a label, such as nvidia.com/gpu.product",
    lambda it: all(re.fullmatch(LABEL_NAME, name) for name in it),
    f"self.all(name, name.matches('{LABEL_NAME}'))",
)


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
    node_selector: Annotated[dict[str, LabelValue], Field(max_length=20), ARE_LABELS] = {}
    """Labels that a node must have for training to run on it, such as nvidia.com/gpu.product: A100-SXM4-40GB. On a
    cluster only: a laptop has one node."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=20)] = ()
    """Taints of nodes that training may run on all the same. On a cluster only."""
    queue: Annotated[ObjectName, Field(max_length=63)] | None = None
    """Name of a LocalQueue of Kueue, in the model's namespace: the build waits until the queue has quota for all of its
    pods, and Kueue may suspend it for others; it goes on from its last checkpoint. Where Kueue isn't installed, as on a
    laptop, this has no effect and the build begins at once."""
    deadline_minutes: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Minutes that one try at the build may take, from its start (on a cluster: from the request for its pods; not the
    time in a queue) to the artifact; then it is stopped and not tried again by itself. What it had learnt is kept, and
    a build with a later deadline goes on from there. By default there is no deadline."""
    seed: Seed = 0
    """Seed of the initial weights, the order of examples and the augmentation."""

    def batch_size_for(self, examples: int) -> int:
        """Examples in one step when there are so many to train on."""
        return self.batch_size or max(2, min(DEFAULT_BATCH_SIZE, examples // 10))
