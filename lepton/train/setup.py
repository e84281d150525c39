"""What a worker sets up before the first epoch: threads, the network, the objective, and the precision to learn in.

Called by the loop on every worker; all of them come to the same.
"""

import time
from pathlib import Path

import torch
from joblib import cpu_count

from lepton.errors import LeptonError
from lepton.files import write_atomically
from lepton.report import Precision
from lepton.spec.fields import Section
from lepton.spec.model import Model
from lepton.spec.reasons import Reason
from lepton.spec.train import Train
from lepton.train import weights
from lepton.train.batches import Batches
from lepton.train.data.prepared import Prepared, load
from lepton.train.fit import Fit
from lepton.train.group import Group
from lepton.train.learner import Learner
from lepton.train.models.custom import Watched
from lepton.train.models.registry import build
from lepton.train.objective import Objective
from lepton.train.precision import SAFE, Step, choose_precision
from lepton.train.served import Served
from lepton.train.threads import choose_threads


def read_prepared(directory: Path) -> Prepared:
    """The examples to learn from. Raises LeptonError when their folder is not what prepare leaves."""
    prepared = load(directory)
    if prepared is None:
        raise LeptonError(
            Reason.JOB_FAILED, f"{directory} does not hold prepared examples: delete it to make them anew"
        )
    return prepared


def make_learner(f: Fit, prepared: Prepared, precision: Precision, group: Group) -> Learner:
    """The network at its start, ready to learn. Raises LeptonError with MODEL_INVALID."""
    torch.manual_seed(f.train.seed)
    net = _network(f.model, prepared)
    if f.start is not None:
        weights.load(net, f.start)
    teacher = None
    if f.teacher is not None:
        teacher = _network(f.teacher[0], prepared)
        weights.load(teacher, f.teacher[1])
    objective = Objective(f.train.label_smoothing, teacher, f.temperature, f.alpha)
    called = net if f.model.module is None else Watched(f.model.module, net, len(prepared.classes))
    served = Served(net, prepared.mean, prepared.std)
    return Learner(served, called, objective, f.train, f.augment, precision, group)


class Choice(Section):
    """How the machine is used; kept, so that a killed fit goes on in the same way and comes to the same result."""

    threads: int
    precision: tuple[Precision, ...]

    @property
    def chosen(self) -> Precision:
        """The precision to learn in."""
        return next(row for row in self.precision if row.chosen)


def choose(f: Fit, prepared: Prepared, batches: Batches, group: Group) -> Choice:
    """Threads and precision, measured once per fit, the same on every worker; the threads are set."""
    kept = f.directory / "choice.json"
    if kept.exists():
        choice = Choice.model_validate_json(kept.read_bytes())
        torch.set_num_threads(choice.threads)
        return choice
    images, labels = prepared.arrays("train")
    chosen = next(batches.epoch(0, group.rank))
    images, labels = images[chosen], labels[chosen]

    def trial(precision: Precision) -> Step:
        learner = make_learner(f, prepared, precision, Group(0, 1, group.device))

        def step() -> float:
            began = time.perf_counter()
            float(learner.step(images, labels, 0.0))
            return time.perf_counter() - began

        return step

    threads = choose_threads(trial(SAFE), most_threads(f.train), group)
    planned = batches.steps * f.train.epochs
    precision = choose_precision(f.train.precision, trial, planned, batches.per_worker * group.size, group)
    choice = Choice(threads=threads, precision=precision)
    if group.rank == 0:
        write_atomically(kept, choice.model_dump_json().encode())
    return choice


def most_threads(train: Train) -> int:
    """Cores that one worker may use: train.resources.cpu, else its share of the machine or of the container's limit."""
    return max(1, int(train.resources.cpu or cpu_count() / train.workers))


def _network(model: Model, prepared: Prepared) -> torch.nn.Module:
    height, width, channels = prepared.shape
    return build(model, len(prepared.classes), (channels, height, width))
