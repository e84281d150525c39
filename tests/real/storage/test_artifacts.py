"""An artifact in an object store is there whole or not at all, and what was changed in it is found."""

from pathlib import Path

import pytest

from lepton import artifact
from lepton.errors import LeptonError
from lepton.spec.reasons import Reason
from lepton.urls import open_url
from tests.artifacts import sealed
from tests.real.storage.servers import names, put

OLD = {"report.json": b"{}\n", "repository/model/1/model.onnx": b"old weights", "holdout.zip": b"images"}
NEW = {"report.json": b"{ }\n", "repository/model/1/model.onnx": b"new weights", "curves.json": b"{}"}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return sealed(tmp_path / "old", OLD)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return sealed(tmp_path / "new", NEW)


def refused(url: str, tmp_path: Path) -> tuple[Reason, str]:
    """How fetching it fails; nothing of it must be left."""
    with pytest.raises(LeptonError) as caught:
        artifact.fetch(url, tmp_path / "cache")
    assert not (tmp_path / "cache").exists() or list((tmp_path / "cache").iterdir()) == []
    return caught.value.reason, caught.value.message


def corrupt(url: str, what: str) -> tuple[Reason, str]:
    message = f"artifact {url}: {what}; restore it from a backup, or delete the model and apply it again"
    return Reason.ARTIFACT_CORRUPT, message


def test_what_is_published_comes_back_with_its_digest(old: Path, bucket: str, tmp_path: Path) -> None:
    url = f"{bucket}/models/pets/1"
    artifact.publish(old, url)
    artifact.add(url, "gate.json", b"{}\n")
    copy = artifact.fetch(url, tmp_path / "cache")
    assert artifact.verify(copy) == artifact.verify(old) == f"sha256:{copy.name}"
    assert names(copy.as_uri()) == sorted([*OLD, "digest"])
    assert names(url) == sorted([*OLD, "digest", "gate.json"])


def test_one_that_is_published_again_replaces_the_first_whole(
    old: Path, new: Path, bucket: str, tmp_path: Path
) -> None:
    url = f"{bucket}/models/pets/1"
    artifact.publish(old, url)
    artifact.add(url, "gate.json", b"{}\n")
    artifact.publish(new, url)
    assert names(url) == sorted([*NEW, "digest"])
    assert artifact.verify(artifact.fetch(url, tmp_path / "cache")) == artifact.verify(new)


def test_a_flipped_byte_is_found_and_named(old: Path, bucket: str, tmp_path: Path) -> None:
    url = f"{bucket}/models/pets/1"
    artifact.publish(old, url)
    put(f"{url}/repository/model/1/model.onnx", b"old Weights")
    assert refused(url, tmp_path) == corrupt(url, "repository/model/1/model.onnx is not what was sealed")


@pytest.mark.parametrize("uploads", range(len(NEW) + 1))
@pytest.mark.parametrize("before", ["nothing", "an older one"])
def test_an_upload_that_ends_before_its_end_is_no_artifact_and_the_next_one_mends_it(
    before: str, uploads: int, old: Path, new: Path, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{bucket}/models/pets/1"
    if before == "an older one":
        artifact.publish(old, url)
    files = type(open_url(url)[0])
    real, done = files._put_file, iter(range(uploads))

    async def put_file(*arguments: object, **options: object) -> None:
        if next(done, None) is None:
            raise ConnectionResetError("the line is dead")
        await real(*arguments, **options)

    with monkeypatch.context() as context:
        context.setattr(files, "_put_file", put_file)
        with pytest.raises(LeptonError) as caught:
            artifact.publish(new, url)
    said = "(the line is dead): see that it can be reached and used; the work then goes on by itself"
    assert caught.value.message == f"artifact {url} can't be written {said}"
    assert names(url) == sorted(NEW)[:uploads]
    assert refused(url, tmp_path) == corrupt(url, "its digest file is missing")
    artifact.publish(new, url)
    assert artifact.verify(artifact.fetch(url, tmp_path / "cache")) == artifact.verify(new)


def test_what_is_removed_is_gone_and_its_neighbours_are_not(old: Path, bucket: str) -> None:
    for build in ("1", "11", "2"):
        artifact.publish(old, f"{bucket}/models/pets/{build}")
    put(f"{bucket}/models/pets/1/added by another program", b"")
    artifact.remove(f"{bucket}/models/pets/1")
    artifact.remove(f"{bucket}/models/pets/1")
    artifact.remove(f"{bucket}-of-others/models/pets/1")
    assert names(bucket) == sorted(f"models/pets/{build}/{name}" for build in ("11", "2") for name in (*OLD, "digest"))


def test_a_bucket_that_is_not_there_is_said_so(old: Path, bucket: str, tmp_path: Path) -> None:
    url = f"{bucket}-of-others/pets/1"
    for attempt in (lambda: artifact.publish(old, url), lambda: artifact.add(url, "gate.json", b"{}\n")):
        with pytest.raises(LeptonError) as caught:
            attempt()
        assert caught.value.reason is Reason.STORE_UNWRITABLE
        assert caught.value.message.startswith(f"artifact {url} can't be written (")
        assert ": create it, or choose another place; the work" in caught.value.message
    assert refused(url, tmp_path) == corrupt(url, "its digest file is missing")
