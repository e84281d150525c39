"""The training curves as TensorBoard event files: `tensorboard --logdir` on the fit's folder shows them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from torch.utils.tensorboard import SummaryWriter

from lepton.report import Epoch


class Curves:
    """Writes one point per epoch into folder, where active; a resumed fit goes on with the same curves.

    A point of the epochs done that is not there, since the fit was killed before it was written, is made up for.
    """

    def __init__(self, folder: Path, done: Sequence[Epoch], *, active: bool) -> None:
        there = _points(folder) if active and done else set()
        self._writer = SummaryWriter(str(folder), purge_step=len(done) + 1) if active else None
        for row in done:
            self._write(row, there)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the file."""
        if self._writer:
            self._writer.close()

    def add(self, row: Epoch) -> None:
        """Add the epoch to the curves of loss, accuracy (percent) and learning rate."""
        self._write(row, set())

    def _write(self, row: Epoch, there: set[tuple[str, int]]) -> None:
        if self._writer:
            for tag in ("loss", "accuracy", "learning_rate"):
                if (tag, row.epoch) not in there:
                    self._writer.add_scalar(tag, getattr(row, tag), row.epoch)
            self._writer.flush()


def _points(folder: Path) -> set[tuple[str, int]]:
    """The tag and epoch of each point that the event files in folder hold."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader  # type: ignore[import-untyped]  # noqa: PLC0415 - slow; has no types

    events = (event for file in folder.glob("events.*") for event in EventFileLoader(str(file)).Load())
    return {(value.tag, event.step) for event in events for value in event.summary.value}
