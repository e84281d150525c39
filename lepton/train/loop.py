"""The epochs of a fit, as every worker runs them: learn, validate, keep a checkpoint, stop when it is time.

Called by train.run, and by train.workers on each actor. All that happens follows from the fit alone, so a killed fit
that goes on from its checkpoint ends where an undisturbed one does.
"""

import math
import time
from dataclasses import dataclass

import numpy as np
import torch

from lepton.errors import LeptonError
from lepton.report import Epoch, Say
from lepton.spec.reasons import Reason
from lepton.spec.train import Train
from lepton.train import checkpoint, result
from lepton.train.batches import Batches, random_seed
from lepton.train.checkpoint import Past
from lepton.train.curves import Curves
from lepton.train.data.prepared import Prepared
from lepton.train.fit import Fit
from lepton.train.group import Group
from lepton.train.learner import Images, Labels, Learner
from lepton.train.optimizers import learning_rate, peak_learning_rate, warm_up_epochs
from lepton.train.setup import choose, make_learner, read_prepared
from lepton.train.standing import Standing

_STEPS_BETWEEN_CHECKS = 50
_LEAST_VALIDATION_BATCH = 256


@dataclass(frozen=True)
class _Examples:
    """The examples of one fit and their division into steps."""

    train: tuple[Images, Labels]
    validation: tuple[Images, Labels]
    batches: Batches


def train(f: Fit, say: Say) -> None:
    """Run the fit to its end as one worker of the current group; rank 0 says how it goes and writes the result.

    Raises LeptonError with LOSS_NOT_FINITE, DISK_FULL, MODEL_INVALID.
    """
    group = Group.current()
    prepared = read_prepared(f.data)
    examples = _examples(f, prepared, group)
    choice = choose(f, prepared, examples.batches, group)
    learner = make_learner(f, prepared, choice.chosen, group)
    past = checkpoint.read(f.directory, learner.net, learner.optimizer) or Past(precision=choice.precision)
    run = _Run(f, learner, examples, group, Standing(f, examples.batches, len(past.epochs), say))
    with Curves(f.directory / "tensorboard", past.epochs, active=group.rank == 0) as curves:
        while len(past.epochs) < f.train.epochs and not stopped_early(f.train, past):
            row = run.epoch(len(past.epochs) + 1)
            past = past.model_copy(update={"epochs": (*past.epochs, row)})
            if group.rank == 0:
                checkpoint.write(f.directory, past, learner.net, learner.optimizer)
                curves.add(row)
                run.standing.epoch_done(row)
    if group.rank == 0:
        result.write(f.directory, past)


def stopped_early(train: Train, past: Past) -> bool:
    """Whether patience is at its end. It begins after the warm-up: a learning rate that rises may cost accuracy."""
    if train.early_stopping is None:
        return False
    return min(past.stale(), len(past.epochs) - warm_up_epochs(train)) >= train.early_stopping.patience


def _examples(f: Fit, prepared: Prepared, group: Group) -> _Examples:
    train_set, validation = prepared.arrays("train"), prepared.arrays("validation")
    examples = len(train_set[1])
    batches = Batches(examples, f.train.batch_size_for(examples), group.size, f.train.seed)
    return _Examples(
        train_set, (validation[0][group.rank :: group.size], validation[1][group.rank :: group.size]), batches
    )


@dataclass(frozen=True)
class _Run:
    """What each epoch needs."""

    fit: Fit
    learner: Learner
    examples: _Examples
    group: Group
    standing: Standing

    def epoch(self, number: int) -> Epoch:
        """Learn from every example once and validate."""
        began = time.monotonic()
        loss, rate = self._learn(number)
        self.group.average_statistics(self.learner.net)
        accuracy = self._accuracy()
        return Epoch(
            stage=self.fit.stage,
            epoch=number,
            loss=round(loss, 6),
            accuracy=round(accuracy, 4),
            learning_rate=rate,
            seconds=round(time.monotonic() - began, 3),
        )

    def _learn(self, number: int) -> tuple[float, float]:
        """One pass over the examples; the mean loss over all workers and the last learning rate."""
        images, labels = self.examples.train
        steps = self.examples.batches.steps
        self.learner.seed(random_seed(self.fit.train.seed, number, self.group.rank))
        total = torch.zeros((), device=self.group.device)
        rate = 0.0
        for step, chosen in enumerate(self.examples.batches.epoch(number, self.group.rank)):
            rate = learning_rate(self.fit.train, (number - 1) * steps + step, self.fit.train.epochs * steps)
            total += self.learner.step(images[chosen], labels[chosen], rate)
            if step % _STEPS_BETWEEN_CHECKS == _STEPS_BETWEEN_CHECKS - 1:
                self._mean_loss(total, number, step + 1)
            if self.group.rank == 0:
                self.standing.step_done()
        return self._mean_loss(total, number, steps), rate

    def _mean_loss(self, total: torch.Tensor, number: int, steps: int) -> float:
        """The mean loss of the epoch so far; every worker finds out together when it is no number any more."""
        loss = self.group.total([float(total)])[0] / (steps * self.group.size)
        if math.isfinite(loss):
            return loss
        where = f"{self.fit.stage}: the loss became {loss} in epoch {number} of {self.fit.train.epochs}"
        rate = peak_learning_rate(self.fit.train.optimizer)
        remedy = f"lower train.optimizer.learningRate (now {rate:g}) or look for broken values in the data"
        raise LeptonError(Reason.LOSS_NOT_FINITE, f"{where}: {remedy}")

    def _accuracy(self) -> float:
        """Percent of the validation examples that are classified as they should be."""
        images, labels = self.examples.validation
        size = max(_LEAST_VALIDATION_BATCH, self.examples.batches.per_worker)
        starts = range(0, len(labels), size)
        correct = sum(self.learner.correct(np.array(images[s : s + size]), labels[s : s + size]) for s in starts)
        total_correct, total = self.group.total([float(correct), float(len(labels))])
        return 100 * total_correct / max(1.0, total)
