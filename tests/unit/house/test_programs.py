"""Where the programs of a control plane come from, tried with a site on 127.0.0.1 and a Go that only writes a word."""

import hashlib
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.installation import free_ports
from tests.programs import download
from tests.programs.programs import KUBERNETES, find

NAME = "kube-apiserver"
PLACES = ("assets", "PATH", "cache", "site", "build")
GO = """\
#!/bin/sh
while [ "$1" != -o ]; do shift; done
printf '{word}' > "$2"
"""


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty cache, folders for KUBEBUILDER_ASSETS and PATH of which the latter has a Go, and no bad memories."""
    for folder in ("assets", "PATH"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("PATH", str(tmp_path / "PATH"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(download, "_out_of_reach", set())
    put(tmp_path / "PATH" / "go", GO.format(word="build"))
    yield


def put(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def offered(content: bytes, checksum: str | None = None) -> dict[str, bytes]:
    """What the site has of the program: all of it, and the checksum of that if no other is given."""
    path = f"/v{KUBERNETES}/bin/linux/amd64/{NAME}"
    return {path: content, f"{path}.sha256": (checksum or hashlib.sha256(content).hexdigest()).encode()}


@contextmanager
def site(files: Mapping[str, bytes], port: int = 0, missing: int = 0) -> Iterator[tuple[str, list[str]]]:
    """Its URL, and the paths that it was asked for. So many bytes of each program never come."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = files.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            lost = 0 if self.path.endswith(".sha256") else missing
            self.wfile.write((body or b"")[: len(body or b"") - lost])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def kept(folder: Path) -> dict[str, str]:
    """What is in the cache, but for locks."""
    files = [path for path in folder.glob("lepton/programs/*/*") if path.suffix != ".lock"]
    return {path.name: path.read_text() for path in files}


@pytest.mark.parametrize("first", PLACES)
def test_a_place_is_asked_where_those_before_it_have_nothing(first: str, tmp_path: Path) -> None:
    there = PLACES[PLACES.index(first) :]
    if "cache" in there:
        put(tmp_path / "PATH" / "go", GO.format(word="cache"))
        with site({}) as (url, _):
            find(NAME, url)
        put(tmp_path / "PATH" / "go", GO.format(word="build"))
    for folder in {"assets", "PATH"} & set(there):
        put(tmp_path / folder / NAME, folder)
    with site(offered(b"site") if "site" in there else {}) as (url, asked):
        assert find(NAME, url).read_text() == first
        assert bool(asked) == (first in ("site", "build"))


def test_what_was_downloaded_can_be_run_and_is_downloaded_once(tmp_path: Path) -> None:
    with site(offered(b"#!/bin/sh\nexit 7\n")) as (url, asked):
        first = find(NAME, url)
        assert (find(NAME, url), first.stat().st_mode & 0o777, len(asked)) == (first, 0o755, 2)
    assert kept(tmp_path) == {NAME: "#!/bin/sh\nexit 7\n"}


@pytest.mark.parametrize(
    ("files", "missing", "said"),
    [
        (offered(b"site", "0" * 64), 0, "should have " + "0" * 64),
        (offered(b"site"), 2, "has checksum"),
        (offered(b"site", "<html>"), 0, "should have <html>"),
        ({}, 0, "HTTP Error 404"),
    ],
    ids=["another checksum", "a half of it", "no checksum", "not there"],
)
def test_what_is_not_right_is_told_and_built(
    files: dict[str, bytes], missing: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with site(files, missing=missing) as (url, _):
        assert find(NAME, url).read_text() == "build"
    assert kept(tmp_path) == {NAME: "build"}
    told, building = capsys.readouterr().out.splitlines()
    assert told.startswith(f"{NAME} can't be downloaded (") and said in told
    assert building == f"building {NAME}"


def test_where_the_build_fails_too_nothing_of_the_download_stays(tmp_path: Path) -> None:
    put(tmp_path / "PATH" / "go", "#!/bin/sh\nexit 1\n")
    with site(offered(b"site", "0" * 64)) as (url, _), pytest.raises(subprocess.CalledProcessError):
        find(NAME, url)
    assert kept(tmp_path) == {}


def test_a_site_out_of_reach_is_tried_once_in_a_process(capsys: pytest.CaptureFixture[str]) -> None:
    (port,) = free_ports(1)
    assert find("kubectl", f"http://127.0.0.1:{port}").read_text() == "build"
    assert "Connection refused" in capsys.readouterr().out
    with site(offered(b"site"), port) as (url, asked):
        assert find(NAME, url).read_text() == "build"
    assert asked == []


def test_what_is_not_kubernetes_is_not_asked_for() -> None:
    with site({}) as (url, asked):
        assert find("helm", url).read_text() == "build"
    assert asked == []
