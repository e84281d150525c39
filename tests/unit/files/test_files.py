"""A file is written whole or not at all, and what went wrong is said in words."""

import os
from pathlib import Path

import pytest
from fsspec.registry import _registry, known_implementations

from lepton.errors import LeptonError
from lepton.files import write_atomically
from lepton.spec.reasons import Reason
from lepton.urls import unusable


def test_a_reader_sees_the_old_content_or_the_new_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert (path.read_bytes(), list(path.parent.iterdir())) == (b"new", [path])


def test_a_parent_that_is_a_file_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LeptonError, match=r"can't write .*/file/below .*: make the folder writable") as caught:
        write_atomically(tmp_path / "file" / "below", b"new")
    assert caught.value.reason is Reason.STORE_UNWRITABLE


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///tmp/a", None),
        ("simplecache::memory://a", None),
        ("http://[::1]:9000/a", None),
        ("a/path", None),
        ("simplecache::nosuch://a", "is of no kind that can be used (Protocol not known: nosuch)"),
        (
            "simplecache::s3://bucket",
            'needs a driver that is not installed (Install s3fs): run `pip install "leptonml[s3]"`',
        ),
        ("s3://bucket", 'needs a driver that is not installed (Install s3fs): run `pip install "leptonml[s3]"`'),
    ],
)
def test_a_url_that_nothing_here_can_use_is_told_with_what_to_install(
    url: str, why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(known_implementations, "s3", {"class": "absent_s3fs.Absent", "err": "Install s3fs"})
    monkeypatch.delitem(_registry, "s3", raising=False)
    told = unusable(url)
    assert told is None if why is None else str(told).startswith(f"{url} {why}")


def test_a_full_disk_is_told_in_words_and_the_old_content_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LeptonError, match="no space left to write") as caught:
        write_atomically(path, b"new")
    assert (caught.value.reason, path.read_bytes(), list(tmp_path.iterdir())) == (Reason.DISK_FULL, b"old", [path])
