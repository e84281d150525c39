"""What one fit is asked and what it gives: first training, fine-tuning after pruning and distillation alike.

The build job and compress make a Fit, train.run runs it. Nothing here trains.
"""

from dataclasses import dataclass
from pathlib import Path

from lepton.report import Epoch, Precision
from lepton.spec.data import Augmentation
from lepton.spec.model import Model
from lepton.spec.train import Train


@dataclass(frozen=True)
class Fit:
    """One network to be fitted to one set of examples."""

    model: Model
    """The network that learns."""
    train: Train
    """How it learns; `epochs` is the number of epochs of this fit."""
    data: Path
    """Folder of the prepared examples."""
    directory: Path
    """Folder of this fit's checkpoints and of its result; a fit that was killed goes on from what lies there."""
    stage: str
    """`train`, or the compression step such as `1-prune`."""
    augment: tuple[Augmentation, ...] = ()
    """Random changes to the training images."""
    start: Path | None = None
    """Weights to start from, of a pruned network too; by default fresh ones."""
    teacher: tuple[Model, Path] | None = None
    """Network and weights whose answers are learnt beside the true labels (Hinton et al. 2015, arXiv:1503.02531)."""
    temperature: float = 4.0
    """How much the teacher's answers are softened."""
    alpha: float = 0.7
    """Weight of the teacher's answers against the true labels, 0 to 1."""


@dataclass(frozen=True)
class Fitted:
    """The outcome of a fit."""

    weights: Path
    """The weights of the best epoch (safetensors)."""
    epochs: tuple[Epoch, ...]
    precision: tuple[Precision, ...]
    """What was measured to choose the precision; exactly one is marked chosen."""
    validation_accuracy: float
    """Of the best epoch, in percent."""
