"""The training curves are whole, and no point is in them twice, whenever the fit was killed."""

from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from lepton.report import Epoch
from lepton.train.curves import Curves


def row(number: int) -> Epoch:
    return Epoch(stage="train", epoch=number, loss=1 / number, accuracy=90, learning_rate=0.1, seconds=1)


def points(folder: Path) -> list[tuple[str, int]]:
    events = (event for file in folder.iterdir() for event in EventFileLoader(str(file)).Load())
    return sorted((value.tag, event.step) for event in events for value in event.summary.value)


def test_a_fit_that_goes_on_adds_the_point_that_a_kill_after_the_checkpoint_cost(tmp_path: Path) -> None:
    with Curves(tmp_path, (), active=True) as curves:
        curves.add(row(1))
    with Curves(tmp_path, (row(1), row(2)), active=True) as curves:
        curves.add(row(3))
    assert points(tmp_path) == [(tag, step) for tag in ("accuracy", "learning_rate", "loss") for step in (1, 2, 3)]


def test_only_one_worker_draws_the_curves(tmp_path: Path) -> None:
    with Curves(tmp_path, (row(1),), active=False) as curves:
        curves.add(row(2))
    assert list(tmp_path.iterdir()) == []
