from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lepton.errors import LeptonError
from lepton.report import Epoch, Progress
from lepton.spec.model import Model
from lepton.spec.reasons import Reason
from lepton.spec.train import Train
from lepton.train.batches import Batches
from lepton.train.fit import Fit
from lepton.train.memory import out_of_memory
from lepton.train.standing import Standing

FIT = Fit(Model(), Train(epochs=4, batch_size=64), Path("data"), Path("fit"), "train")
ROW = Epoch(stage="train", epoch=2, loss=0.25, accuracy=97.24, learning_rate=0.1, seconds=3.0)


def test_progress_tells_epoch_accuracy_loss_pace_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lepton.train.standing.time", SimpleNamespace(monotonic=count(0, 0.1).__next__))
    said: list[Progress] = []
    batches = Batches(examples=190, batch_size=64, workers=1, seed=0)
    standing = Standing(FIT, batches, epochs_done=1, say=said.append)
    for _ in range(3):
        standing.step_done()
    standing.epoch_done(ROW)
    assert said == [
        Progress(
            stage="train",
            fraction=0.5,
            message="epoch 2 of 4, accuracy 97.2",
            epoch=2,
            epochs=4,
            accuracy=97.24,
            loss=0.25,
            examples_per_second=475.0,
            seconds_left=0.8,
        )
    ]


@pytest.mark.parametrize(("epochs_done", "told"), [(0, "epoch 1 of 4 begins"), (2, "epoch 3 of 4 begins")])
def test_until_its_first_epoch_ends_a_fit_says_which_begins(
    monkeypatch: pytest.MonkeyPatch, epochs_done: int, told: str
) -> None:
    monkeypatch.setattr("lepton.train.standing.time", SimpleNamespace(monotonic=count(0, 2).__next__))
    said: list[Progress] = []
    Standing(FIT, Batches(examples=190, batch_size=64, workers=1, seed=0), epochs_done, said.append).step_done()
    assert said[0].message == told


def test_a_compression_step_names_itself() -> None:
    said: list[Progress] = []
    fit = Fit(FIT.model, FIT.train, FIT.data, FIT.directory, "1-prune")
    batches = Batches(examples=64, batch_size=64, workers=1, seed=0)
    Standing(fit, batches, epochs_done=1, say=said.append).epoch_done(ROW)
    assert (said[0].stage, said[0].message) == ("compress", "1-prune: epoch 1 of 4, accuracy 97.2")


def too_much_for_the_allocator() -> None:
    torch.empty(10**16)


def too_much_for_python() -> None:
    bytearray(10**16)


@pytest.mark.parametrize("allocate", [too_much_for_the_allocator, too_much_for_python])
def test_a_lack_of_memory_is_recognised_and_says_what_to_lower(allocate: object) -> None:
    assert callable(allocate)
    with pytest.raises((RuntimeError, MemoryError)) as raised:
        allocate()
    error = out_of_memory(FIT, raised.value)
    assert isinstance(error, LeptonError)
    assert error.reason is Reason.OUT_OF_MEMORY
    assert "lower train.batchSize (now 64)" in error.message


def test_another_error_is_not_taken_for_a_lack_of_memory() -> None:
    assert out_of_memory(FIT, RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
