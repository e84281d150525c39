"""A zip of images with one folder per class, with or without a single folder around them.

Members are read into memory one at a time and nothing is unpacked, so names that climb out of a folder or sizes that
explode do no harm.
"""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from lepton.train.data.sources.base import MOST_BYTES, Raw, invalid
from lepton.train.data.sources.listing import examples, is_hidden, is_image
from lepton.train.data.sources.location import failures_in_words, local_copy


class Archive:
    """Images in a zip file; one that is not on this machine is first copied to scratch."""

    def __init__(self, uri: str, scratch: Path) -> None:
        path = local_copy(uri, scratch)
        with failures_in_words(uri):
            try:
                self._zip = zipfile.ZipFile(path)
            except zipfile.BadZipFile as error:
                raise invalid(f"{uri} is not a zip file, or a damaged one ({error}): copy or pack it anew") from error
        members = {info.filename: info for info in self._zip.infolist() if not is_hidden(info.filename)}
        files = [name for name, info in members.items() if not info.is_dir()]
        if any(members[name].flag_bits & 1 for name in files):
            raise invalid(f"{uri} is encrypted: pack it without a password")
        self._top = _single_top_folder(files)
        folders = {name[len(self._top) :].split("/")[0] for name, info in members.items() if info.is_dir()} - {""}
        found = examples((name[len(self._top) :] for name in files), folders, uri)
        self.labels = [label for label, _ in found]
        self.names = [name for _, name in found]

    def read(self, rows: Sequence[int]) -> Iterator[Raw]:
        """The bytes of each member."""
        for row in rows:
            info = self._zip.getinfo(self._top + self.names[row])
            if info.file_size > MOST_BYTES:
                yield ValueError(f"larger than {MOST_BYTES} bytes")
                continue
            try:
                yield self._zip.read(info)
            except (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, EOFError) as error:
                yield ValueError(f"damaged in the zip ({error})")


def _single_top_folder(files: Sequence[str]) -> str:
    images = [name for name in files if is_image(name)]
    tops = {name.split("/", 1)[0] for name in images}
    return f"{tops.pop()}/" if len(tops) == 1 and all(name.count("/") > 1 for name in images) else ""
