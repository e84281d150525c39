"""Compressions of a small ResNet that knows the digits, in this process or, to be killed, in one of its own:
`python -m tests.real.compress.recipes DATA TRAINED WORK`."""

import sys
from collections.abc import Callable
from pathlib import Path

from lepton.compress.run import Compressed, compress
from lepton.report import Progress
from lepton.spec.compress import Compress
from lepton.spec.data import Data
from lepton.spec.gate import Gate
from lepton.spec.model import Model
from lepton.spec.resource import Spec
from lepton.spec.train import Train, TrainResources
from lepton.train.data.prepared import load
from lepton.train.fit import Fit, Fitted
from lepton.train.run import fit

SPEC = Spec(
    task="image-classification",
    data=Data(uri="sklearn://digits"),
    model=Model(depth=8, width=8),
    train=Train(epochs=8, precision="float32", resources=TrainResources(cpu=1)),
    gate=Gate(max_accuracy_drop=10.0),
)
DEFAULT = [{"prune": {"ratio": 0.5}}, {"quantize": {}}]


def trained(data: Path, directory: Path) -> Fitted:
    """The network before compression; trained once."""
    return fit(Fit(SPEC.model, SPEC.train, data, directory, "train"), lambda _: None)


def run(
    folders: tuple[Path, Path],
    work: Path,
    steps: list[dict[str, object]],
    most: float = 10.0,
    say: Callable[[Progress], None] = lambda _: None,
) -> Compressed:
    """Compress by these steps; folders are those of the data and of the trained network."""
    data, network = folders
    changes = {"compress": Compress.model_validate({"steps": steps}), "gate": Gate(max_accuracy_drop=most)}
    prepared = load(data)
    assert prepared is not None
    return compress(SPEC.model_copy(update=changes), prepared, trained(data, network), work, say)


def main() -> None:
    """Compress by the default recipe and say where it stands, a line for each word of progress."""

    def say(progress: Progress) -> None:
        print(progress.message, flush=True)  # noqa: T201 - whoever started it reads this

    data, network, work = map(Path, sys.argv[1:4])
    run((data, network), work, DEFAULT, say=say)


if __name__ == "__main__":
    main()
