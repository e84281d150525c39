"""The training curves as TensorBoard event files: `tensorboard --logdir` on the fit's folder shows them."""

from pathlib import Path
from typing import Self

from torch.utils.tensorboard import SummaryWriter

from lepton.report import Epoch


class Curves:
    """Writes one point per epoch into folder, where active; a resumed fit goes on with the same curves."""

    def __init__(self, folder: Path, epochs_done: int, *, active: bool) -> None:
        self._writer = SummaryWriter(str(folder), purge_step=epochs_done + 1) if active else None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the file."""
        if self._writer:
            self._writer.close()

    def add(self, row: Epoch) -> None:
        """Add the epoch to the curves of loss, accuracy (percent) and learning rate."""
        if self._writer:
            self._writer.add_scalar("loss", row.loss, row.epoch)
            self._writer.add_scalar("accuracy", row.accuracy, row.epoch)
            self._writer.add_scalar("learning_rate", row.learning_rate, row.epoch)
            self._writer.flush()
