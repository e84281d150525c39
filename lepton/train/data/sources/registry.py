"""Every kind of source in one visible place, and the one function that opens a URL."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

from lepton.spec.data import DIGITS
from lepton.train.data.sources.archive import Archive
from lepton.train.data.sources.base import Source
from lepton.train.data.sources.digits import Digits
from lepton.train.data.sources.folder import open_folder
from lepton.train.data.sources.npz import Npz

Kind = Literal["digits", "folder", "zip", "npz"]

SOURCES: dict[Kind, Callable[[str, Path], Source]] = {
    "digits": lambda uri, scratch: Digits(),
    "folder": lambda uri, scratch: open_folder(uri),
    "zip": Archive,
    "npz": Npz,
}
"""Each is called with the URL and a folder for temporary files."""


def open_source(uri: str, scratch: Path) -> Source:
    """The examples behind data.uri. Raises LeptonError with DATA_NOT_FOUND or DATA_INVALID."""
    return SOURCES[kind(uri)](uri, scratch)


def kind(uri: str) -> Kind:
    """What a URL names, going by its scheme and suffix."""
    if uri == DIGITS:
        return "digits"
    path = urlsplit(uri).path if uri.startswith(("http://", "https://")) else uri
    suffix = PurePosixPath(path.rstrip("/")).suffix.lower()
    return "zip" if suffix == ".zip" else "npz" if suffix == ".npz" else "folder"
