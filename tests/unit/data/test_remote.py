"""Data behind a URL: read as if they were here, and told from those that are not there."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest

from lepton.spec.reasons import Reason
from lepton.train.data.sources import folder as folder_module
from lepton.train.data.sources.location import locate
from lepton.urls import unusable
from tests.unit.data.preparing import in_memory, refused, run, zip_of


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_data_may_lie_behind_a_url(pets: Path, tmp_path: Path, web: str) -> None:
    expected = in_memory(run(pets, tmp_path))
    zip_of(pets, tmp_path / "pets.zip")
    assert in_memory(run(f"{web}/pets.zip?download=1", tmp_path)) == expected
    memory = fsspec.filesystem("memory")
    memory.put(str(pets), "/bucket/pets", recursive=True)
    assert in_memory(run("memory://bucket/pets", tmp_path)) == expected


def test_a_file_behind_a_url_that_is_too_large_is_refused_unread(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(pets), "/large/pets", recursive=True)
    memory.pipe_file("/large/pets/cat/huge.png", b"x" * 5000)
    fetched: list[str] = []

    def cat_ranges(paths: list[str], *_: object) -> list[bytes]:
        fetched.extend(paths)
        return [memory.cat_file(path) for path in paths]

    monkeypatch.setattr(folder_module, "MOST_BYTES", 4999)
    files, root = locate("memory://large/pets")
    monkeypatch.setattr(files, "cat_ranges", cat_ranges)
    source = folder_module.RemoteFolder("memory://large/pets", files, root)
    read = dict(zip(source.names, source.read(range(len(source.names))), strict=True))
    assert str(read.pop("cat/huge.png")) == "larger than 4999 bytes"
    assert list(read.values()) == [memory.cat_file(f"/large/pets/{name}") for name in read]
    assert [path.removeprefix("/large/pets/") for path in fetched] == list(read)


def test_a_scheme_that_nobody_knows_is_told_as_everywhere_else(tmp_path: Path) -> None:
    assert refused("nosuch://pets", tmp_path) == (Reason.DATA_NOT_FOUND, f"data.uri: {unusable('nosuch://pets')}")


def test_a_url_that_leads_nowhere_is_told_from_a_host_that_does_not_answer(tmp_path: Path, web: str) -> None:
    reason, message = refused(f"{web}/pets.zip", tmp_path)
    assert (reason, message) == (
        Reason.DATA_NOT_FOUND,
        f"data.uri: nothing lies at {web}/pets.zip: put the data there, or mend data.uri",
    )
    reason, message = refused("http://127.0.0.1:9/pets.zip", tmp_path)
    assert reason == Reason.JOB_FAILED
    assert "it is tried again by itself" in message
