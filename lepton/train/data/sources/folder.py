"""A folder of images with one folder per class, on this machine or behind any fsspec URL."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from lepton.train.data.sources.base import MOST_BYTES, Raw, Source, invalid
from lepton.train.data.sources.listing import examples
from lepton.train.data.sources.location import failures_in_words, locate

FETCHED_AT_ONCE = 16
"""Files that are asked for together; more would hold more large images in memory."""


def open_folder(uri: str) -> Source:
    """The source behind uri. Raises LeptonError when it is missing, a file, or not one folder per class."""
    files, path = locate(uri)
    if files.isfile(path):
        raise invalid(f"{uri} is a file that is neither .zip nor .npz: give a folder of images, a zip or an NPZ file")
    return LocalFolder(Path(path)) if isinstance(files, LocalFileSystem) else RemoteFolder(uri, files, path)


class LocalFolder:
    """Images in a folder on this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root
        with failures_in_words(str(root)):
            folders = [entry.name for entry in os.scandir(root) if entry.is_dir()]
            found = examples(_walk(root), folders, str(root))
        self.labels = [label for label, _ in found]
        self.names = [name for _, name in found]

    def read(self, rows: Sequence[int]) -> Iterator[Raw]:
        """The bytes of each file."""
        for row in rows:
            try:
                with (self._root / self.names[row]).open("rb") as file:
                    raw = file.read(MOST_BYTES + 1)
            except OSError as error:
                yield ValueError(f"can't be read ({error.strerror})")
            else:
                yield raw if len(raw) <= MOST_BYTES else ValueError(f"larger than {MOST_BYTES} bytes")


class RemoteFolder:
    """Images behind an fsspec URL; a block of files is fetched at once.

    Only a listing that holds sizes, as that of a bucket does and a web server's doesn't, tells which are too large.
    """

    def __init__(self, uri: str, files: AbstractFileSystem, root: str) -> None:
        self._uri, self._files = uri, files
        with failures_in_words(uri):
            sizes = {str(path): info.get("size") for path, info in files.find(root, detail=True).items()}
        start = len(root.rstrip("/")) + 1
        found = examples((path[start:] for path in sizes), (), uri)
        self._prefix = root.rstrip("/") + "/"
        self.labels = [label for label, _ in found]
        self.names = [name for _, name in found]
        self._too_large = {path for path, size in sizes.items() if (size or 0) > MOST_BYTES}

    def read(self, rows: Sequence[int]) -> Iterator[Raw]:
        """The bytes of each file. Raises LeptonError when the network fails."""
        for start in range(0, len(rows), FETCHED_AT_ONCE):
            paths = [self._prefix + self.names[row] for row in rows[start : start + FETCHED_AT_ONCE]]
            fetched = self._fetch([path for path in paths if path not in self._too_large])
            for path in paths:
                yield self._one(path, fetched.get(path))

    def _fetch(self, paths: list[str]) -> dict[str, bytes | Exception]:
        with failures_in_words(self._uri):
            contents = self._files.cat_ranges(paths, None, None)  # not `cat`, to which `[1].png` is a pattern
        return dict(zip(paths, contents, strict=True))

    def _one(self, path: str, fetched: bytes | Exception | None) -> Raw:
        if fetched is None:
            return ValueError(f"larger than {MOST_BYTES} bytes")
        if isinstance(fetched, bytes):
            return fetched
        if isinstance(fetched, FileNotFoundError):
            return ValueError(f"{path} is gone")
        with failures_in_words(self._uri):
            raise fetched


def _walk(root: Path) -> Iterator[str]:
    seen: set[str] = set()
    for directory, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(directory)
        if real in seen:  # a link that leads back up would never end
            folders.clear()
            continue
        seen.add(real)
        below = Path(directory).relative_to(root).as_posix()
        yield from (name if below == "." else f"{below}/{name}" for name in names)
