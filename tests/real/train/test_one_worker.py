import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lepton.errors import LeptonError
from lepton.report import Epoch, Progress
from lepton.spec.model import Model
from lepton.spec.reasons import Reason
from lepton.spec.train import EarlyStopping, Optimizer
from lepton.train import weights
from lepton.train.fit import Fitted
from lepton.train.models.registry import build
from lepton.train.run import fit
from tests.real.train.fitting import TRAIN, diverging, fit_of

SEED_1 = TRAIN.model_copy(update={"seed": 1})


@pytest.fixture(scope="module")
def trained(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Fitted, list[Progress]]:
    """A fit that nothing disturbed, and all that it said."""
    said: list[Progress] = []
    directory = tmp_path_factory.mktemp("trained") / "fit"
    return fit(fit_of(digits, directory), said.append), said


def without_time(epochs: tuple[Epoch, ...]) -> list[Epoch]:
    return [row.model_copy(update={"seconds": 0.0}) for row in epochs]


def test_digits_are_learnt_in_a_few_epochs(trained: tuple[Fitted, list[Progress]]) -> None:
    fitted, said = trained
    assert fitted.validation_accuracy == max(row.accuracy for row in fitted.epochs) >= 97
    assert [row.epoch for row in fitted.epochs] == list(range(1, 9))
    assert [candidate.precision for candidate in fitted.precision if candidate.chosen] == ["float32"]
    assert said[-1].message == f"epoch 8 of 8, accuracy {fitted.epochs[-1].accuracy:.1f}"
    assert said[-1].fraction == 1.0


def test_the_weights_are_those_of_the_best_epoch_and_make_a_network(trained: tuple[Fitted, list[Progress]]) -> None:
    net = build(Model(depth=8), 10, (1, 8, 8))
    weights.load(net, trained[0].weights)
    assert net.eval()(torch.zeros(1, 1, 8, 8)).shape == (1, 10)


def test_the_curves_are_there_for_tensorboard(trained: tuple[Fitted, list[Progress]]) -> None:
    curves = EventAccumulator(str(trained[0].weights.parent / "tensorboard")).Reload()
    assert sorted(curves.Tags()["scalars"]) == ["accuracy", "learning_rate", "loss"]
    assert [point.step for point in curves.Scalars("loss")] == list(range(1, 9))


def test_a_fit_that_is_done_is_not_repeated(trained: tuple[Fitted, list[Progress]], digits: Path) -> None:
    said: list[Progress] = []
    assert fit(fit_of(digits, trained[0].weights.parent), said.append) == trained[0]
    assert said == []


def test_a_killed_fit_goes_on_and_comes_to_the_very_same_weights(
    trained: tuple[Fitted, list[Progress]], digits: Path, tmp_path: Path
) -> None:
    shutil.copy(trained[0].weights.parent / "choice.json", tmp_path)
    command = [sys.executable, "-m", "tests.real.train.fitting", str(digits), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch 2"):
                process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "done.json").exists()
    said: list[Progress] = []
    resumed = fit(fit_of(digits, tmp_path), said.append)
    assert all(progress.epoch is not None and progress.epoch >= 2 for progress in said)
    assert without_time(resumed.epochs) == without_time(trained[0].epochs)
    assert resumed.weights.read_bytes() == trained[0].weights.read_bytes()


def test_another_seed_comes_to_other_weights(
    trained: tuple[Fitted, list[Progress]], digits: Path, tmp_path: Path
) -> None:
    other = fit(fit_of(digits, tmp_path, SEED_1.model_copy(update={"epochs": 1})), lambda _: None)
    assert other.epochs[0].loss != trained[0].epochs[0].loss


def test_training_stops_early_when_the_accuracy_does_not_rise(digits: Path, tmp_path: Path) -> None:
    frozen = Optimizer(learning_rate=1e-12)
    train = TRAIN.model_copy(update={"epochs": 30, "optimizer": frozen, "early_stopping": EarlyStopping(patience=2)})
    epochs = fit(fit_of(digits, tmp_path, train), lambda _: None).epochs
    assert len(epochs) < 30
    assert max(row.accuracy for row in epochs[-2:]) <= max(row.accuracy for row in epochs[:-2])


def test_a_student_learns_from_its_teacher_and_starts_where_it_is_told(
    trained: tuple[Fitted, list[Progress]], digits: Path, tmp_path: Path
) -> None:
    teacher = (Model(depth=8), trained[0].weights)
    train = TRAIN.model_copy(update={"epochs": 1, "optimizer": Optimizer(learning_rate=1e-6)})
    tuned = fit(
        fit_of(digits, tmp_path, train, start=trained[0].weights, teacher=teacher, stage="1-distill", alpha=1.0),
        lambda _: None,
    )
    assert tuned.validation_accuracy >= trained[0].validation_accuracy - 2
    assert tuned.epochs[0].stage == "1-distill"
    assert tuned.epochs[0].loss < 0.5


def test_a_loss_that_is_no_number_ends_the_fit_with_what_to_do(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(LeptonError) as raised:
        fit(fit_of(digits, tmp_path, **diverging()), lambda _: None)
    assert raised.value.reason is Reason.LOSS_NOT_FINITE
    assert "lower train.optimizer.learningRate (now 100)" in raised.value.message
