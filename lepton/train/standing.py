"""Where a fit stands, in words and figures for a person: once per epoch, and within long ones every second.

Made by rank 0 in the loop. It decides when to speak; `say` decides how.
"""

import time

from lepton.report import Epoch, Progress, Say
from lepton.train.batches import Batches
from lepton.train.fit import Fit

_SECONDS_BETWEEN = 1.0


class Standing:
    """Counts the steps of a fit, estimates the time left and says so."""

    def __init__(self, f: Fit, batches: Batches, epochs_done: int, say: Say) -> None:
        self._fit = f
        self._examples = batches.examples
        self._steps = steps = batches.steps
        self._done = self._done_before = steps * epochs_done
        self._say = say
        self._began = self._last = time.monotonic()
        self._latest: Epoch | None = None

    def step_done(self) -> None:
        """Take note of a step."""
        self._done += 1
        if time.monotonic() - self._last >= _SECONDS_BETWEEN:
            self._speak()

    def epoch_done(self, row: Epoch) -> None:
        """Take note of an epoch and say so."""
        self._latest = row
        self._speak()

    def _speak(self) -> None:
        self._last = time.monotonic()
        epochs = self._fit.train.epochs
        fraction = self._done / (self._steps * epochs)
        pace = (self._done - self._done_before) / max(self._last - self._began, 1e-9)
        left = (self._steps * epochs - self._done) / pace if pace else None
        done = self._done // self._steps
        self._say(
            Progress(
                stage="train" if self._fit.stage == "train" else "compress",
                fraction=round(fraction, 4),
                message=self._message(done, epochs),
                epoch=done,
                epochs=epochs,
                accuracy=self._latest.accuracy if self._latest else None,
                loss=self._latest.loss if self._latest else None,
                examples_per_second=round(pace * self._examples / self._steps, 1),
                seconds_left=round(left, 1) if left is not None else None,
            )
        )

    def _message(self, done: int, epochs: int) -> str:
        where = f"epoch {done} of {epochs}" if self._latest else f"epoch {done + 1} of {epochs} begins"
        named = where if self._fit.stage == "train" else f"{self._fit.stage}: {where}"
        return f"{named}, accuracy {self._latest.accuracy:.1f}" if self._latest else named
