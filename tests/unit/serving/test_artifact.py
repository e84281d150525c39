"""The artifact's seal, and its way through any fsspec file system."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from lepton import artifact
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from tests import artifacts

CONTENT = {"report.json": b"{}\n", "repository/model/1/model.onnx": b"weights", "holdout.zip": b"images"}


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    return artifacts.sealed(tmp_path / "built", CONTENT)


@pytest.fixture
def memory() -> Iterator[str]:
    """The URL of a folder on a file system that is not this machine's disk."""
    yield "memory://artifacts/digits/1"
    filesystem = fsspec.filesystem("memory")
    filesystem.rm("/artifacts", recursive=True)


def test_sha256sum_itself_understands_the_seal(sealed):
    done = subprocess.run(["sha256sum", "-c", "digest"], cwd=sealed, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{name}: OK" for name in sorted(CONTENT)]


def test_the_same_contents_have_the_same_digest_wherever_they_lie(sealed, tmp_path):
    sealed.rename(tmp_path / "moved")
    assert artifact.write_digest(tmp_path / "moved") == artifact.verify(tmp_path / "moved")


def test_the_gate_report_that_comes_later_changes_no_digest(sealed):
    before = artifact.verify(sealed)
    (sealed / "gate.json").write_text("{}")
    assert artifact.verify(sealed) == artifact.write_digest(sealed) == before


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "a flipped bit": (
        lambda folder: flip(folder / "repository/model/1/model.onnx"),
        "repository/model/1/model.onnx is not what was sealed",
    ),
    "a half-written file": (
        lambda folder: (folder / "holdout.zip").write_bytes(b"ima"),
        "holdout.zip is not what was sealed",
    ),
    "a file that is gone": (lambda folder: (folder / "report.json").unlink(), "report.json is missing"),
    "a seal that is gone": (lambda folder: (folder / "digest").unlink(), "its digest file is missing"),
    "a seal cut in a line": (
        lambda folder: (folder / "digest").write_bytes((folder / "digest").read_bytes()[:50]),
        "its digest file holds a line that is none",
    ),
    "a seal that leads out of the folder": (
        lambda folder: (folder / "digest").write_text(f"{'0' * 64}  ../secret\n"),
        "its digest file holds a line that is none",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_named_in_place_and_on_the_way(sealed, tmp_path, damage):
    do, words = DAMAGE[damage]
    do(sealed)
    for check in (lambda: artifact.verify(sealed), lambda: artifact.fetch(str(sealed), tmp_path / "cache")):
        with pytest.raises(LeptonError) as failure:
            check()
        assert failure.value.reason is Reason.ARTIFACT_CORRUPT
        assert words in failure.value.message
    assert not (tmp_path / "cache").exists() or list((tmp_path / "cache").iterdir()) == []


def test_a_file_that_nobody_sealed_is_found_in_place_and_left_behind_on_the_way(sealed, tmp_path):
    (sealed / "repository/model/1/extra.py").write_text("")
    with pytest.raises(LeptonError, match=r"repository/model/1/extra.py is not listed"):
        artifact.verify(sealed)
    assert not (artifact.fetch(str(sealed), tmp_path / "cache") / "repository/model/1/extra.py").exists()


def test_what_is_published_elsewhere_comes_back_the_same(sealed, memory, tmp_path):
    artifact.publish(sealed, memory)
    copy = artifact.fetch(memory, tmp_path / "cache")
    assert copy.name == artifact.verify(sealed).removeprefix("sha256:")
    assert artifact.verify(copy) == artifact.verify(sealed)
    assert {name: (copy / name).read_bytes() for name in CONTENT} == CONTENT


def test_an_artifact_published_twice_replaces_the_first_whole(sealed, tmp_path):
    artifact.publish(sealed, str(tmp_path / "store/1"))
    (sealed / "report.json").write_text("another")
    (sealed / "holdout.zip").unlink()
    digest = artifact.write_digest(sealed)
    artifact.publish(sealed, f"file://{tmp_path}/store/1")
    assert artifact.verify(tmp_path / "store/1") == digest
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["1"]


def test_one_published_twice_elsewhere_leaves_nothing_of_the_first(sealed, memory, tmp_path):
    artifact.publish(sealed, memory)
    artifact.add(memory, "gate.json", b"{}\n")
    (sealed / "holdout.zip").unlink()
    digest = artifact.write_digest(sealed)
    artifact.publish(sealed, memory)
    assert artifact.verify(artifact.fetch(memory, tmp_path / "cache")) == digest
    left = fsspec.filesystem("memory").find("/artifacts/digits/1")
    assert left == sorted(f"/artifacts/digits/1/{name}" for name in {*CONTENT, "digest"} - {"holdout.zip"})


def test_what_is_removed_is_gone_and_may_be_removed_again(sealed, memory, tmp_path):
    places = [f"{tmp_path}/store/1", f"file://{tmp_path}/store/1", memory]
    for place in places:
        artifact.publish(sealed, place)
        artifact.remove(place)
        artifact.remove(place)
    assert list((tmp_path / "store").iterdir()) == []
    assert not fsspec.filesystem("memory").exists("/artifacts/digits/1")


def test_nothing_is_there_before_all_of_it_is(sealed, memory, tmp_path):
    artifact.publish(sealed, memory)
    fsspec.filesystem("memory").rm_file("/artifacts/digits/1/digest")
    with pytest.raises(LeptonError, match="its digest file is missing"):
        artifact.fetch(memory, tmp_path / "cache")


def test_a_copy_that_was_damaged_since_is_fetched_again(sealed, tmp_path):
    copy = artifact.fetch(str(sealed), tmp_path / "cache")
    flip(copy / "report.json")
    assert artifact.fetch(str(sealed), tmp_path / "cache") == copy
    assert artifact.verify(copy) == artifact.verify(sealed)
    assert list((tmp_path / "cache").iterdir()) == [copy]


def test_a_full_disk_is_called_so_and_leaves_nothing_behind(sealed, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(artifact, "_download", full)
    with pytest.raises(LeptonError) as failure:
        artifact.fetch(str(sealed), tmp_path / "cache")
    assert failure.value.reason is Reason.DISK_FULL
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_place_of_an_unknown_kind_is_refused_in_words(sealed, tmp_path):
    for attempt in (lambda: artifact.publish(sealed, "nowhere://x"), lambda: artifact.fetch("nowhere://x", tmp_path)):
        with pytest.raises(LeptonError, match="artifacts can't be kept at nowhere://x") as failure:
            attempt()
        assert failure.value.reason is Reason.STORE_UNWRITABLE


def test_what_is_added_later_lies_beside_the_seal_and_changes_no_digest(sealed, memory, tmp_path):
    artifact.publish(sealed, memory)
    for place in (str(sealed), memory):
        artifact.add(place, "gate.json", b"{}\n")
        with fsspec.open(f"{place}/gate.json") as file:
            assert file.read() == b"{}\n"
    assert artifact.fetch(memory, tmp_path / "a").name == artifact.fetch(str(sealed), tmp_path / "b").name


def test_an_artifact_that_cant_be_read_is_told_from_one_that_is_not_there(sealed, tmp_path):
    (sealed / "digest").unlink()
    (sealed / "digest").mkdir()
    with pytest.raises(LeptonError, match=r"can't be read .*: grant access to it") as failure:
        artifact.fetch(str(sealed), tmp_path / "cache")
    assert failure.value.reason is Reason.STORE_UNWRITABLE
