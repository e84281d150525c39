"""The end of a fit on disk: `done.json`, written last, so that whoever finds it finds all the rest."""

from pathlib import Path

from lepton.files import write_atomically
from lepton.train.checkpoint import BEST, Past
from lepton.train.fit import Fitted

_DONE = "done.json"


def write(directory: Path, past: Past) -> None:
    """Mark the fit as done."""
    write_atomically(directory / _DONE, past.model_dump_json().encode())


def exists(directory: Path) -> bool:
    """Whether the fit is done."""
    return (directory / _DONE).exists()


def read(directory: Path) -> Fitted:
    """What a fit that is done came to."""
    past = Past.model_validate_json((directory / _DONE).read_bytes())
    return Fitted(directory / BEST, past.epochs, past.precision, past.best.accuracy)
