"""Fits for the tests, in this process or, to be killed, in one of its own:
`python -m tests.real.train.fitting DATA DIRECTORY`."""

import sys
from pathlib import Path
from typing import Any

from lepton.report import Progress
from lepton.spec.model import Model
from lepton.spec.train import Optimizer, Train, TrainResources
from lepton.train.fit import Fit
from lepton.train.run import fit

TRAIN = Train(epochs=8, precision="float32", resources=TrainResources(cpu=1))


def fit_of(data: Path, directory: Path, train: Train = TRAIN, **changes: object) -> Fit:
    """A fit of a small ResNet to the digits, with changes."""
    given: dict[str, Any] = {"model": Model(depth=8), "augment": ("crop",), "stage": "train", **changes}
    return Fit(train=train, data=data, directory=directory, **given)


def diverging(**changes: object) -> dict[str, Any]:
    """A model and a way to train it that ends in a loss that is no number."""
    optimizer = Optimizer(name="sgd", learning_rate=100.0)
    return {
        "model": Model(architecture="lenet"),
        "train": TRAIN.model_copy(update={"optimizer": optimizer, "schedule": "constant", **changes}),
    }


def main() -> None:
    """Fit and say where it stands, a line for each word of progress."""

    def say(progress: Progress) -> None:
        print(progress.message, flush=True)  # noqa: T201 - whoever started it reads this

    fit(fit_of(Path(sys.argv[1]), Path(sys.argv[2])), say)


if __name__ == "__main__":
    main()
