"""When a fit ends before its last epoch."""

import pytest

from lepton.report import Epoch
from lepton.spec.train import EarlyStopping, Train
from lepton.train.checkpoint import Past
from lepton.train.loop import stopped_early
from lepton.train.precision import SAFE

EPOCHS = 10
BEST_FIRST = [50.0] + [40.0] * (EPOCHS - 1)


def ends_after(schedule: str, patience: int | None, accuracies: list[float]) -> int:
    """The number of epochs that such a fit has when it ends."""
    stopping = None if patience is None else EarlyStopping(patience=patience)
    train = Train.model_validate({"epochs": EPOCHS, "schedule": schedule, "early_stopping": stopping})
    rows = [
        Epoch(stage="train", epoch=number, loss=1.0, accuracy=accuracy, learning_rate=0.1, seconds=1.0)
        for number, accuracy in enumerate(accuracies, 1)
    ]
    pasts = (Past(epochs=tuple(rows[:count]), precision=(SAFE,)) for count in range(EPOCHS + 1))
    return next((len(past.epochs) for past in pasts if stopped_early(train, past)), EPOCHS)


@pytest.mark.parametrize(
    ("schedule", "patience", "accuracies", "epochs"),
    [
        ("constant", None, BEST_FIRST, 10),
        ("constant", 2, BEST_FIRST, 3),
        ("onecycle", 2, BEST_FIRST, 5),
        ("onecycle", 1, BEST_FIRST, 4),
        ("onecycle", 2, [10, 20, 30, 40, 50, 60, 60, 60, 60, 60], 8),
        ("onecycle", 8, BEST_FIRST, 10),
    ],
    ids=[
        "without early stopping never",
        "patience counts from the best epoch",
        "where the learning rate rises in three epochs, patience begins after them",
        "the warm-up itself never ends a fit",
        "after the warm-up it counts from the best epoch",
        "more patience than epochs",
    ],
)
def test_a_fit_ends_when_patience_does(
    schedule: str, patience: int | None, accuracies: list[float], epochs: int
) -> None:
    assert ends_after(schedule, patience, accuracies) == epochs
