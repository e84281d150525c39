"""The artifact of a revision: one folder, sealed by a `digest` file that `sha256sum -c` understands.

The worker seals and publishes it; the control loop fetches it, and nothing is served whose contents differ from its
digest. `gate.json`, written later beside the sealed files, is not part of the digest.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import fsspec

from lepton.errors import LeptonError
from lepton.files import as_lepton_error, is_disk_full, write_atomically
from lepton.spec.reasons import Reason
from lepton.urls import open_url, remedy

DIGEST_FILE = "digest"
UNSEALED = frozenset({DIGEST_FILE, "gate.json"})


def write_digest(directory: Path) -> str:
    """Seal the folder: list the sha256 of every file in `digest`. Returns the digest of the whole, `sha256:...`."""
    names = sorted(_files(directory) - UNSEALED)
    lines = [f"{_file_sha256(directory / name)}  {name}\n" for name in names]
    content = "".join(lines).encode()
    write_atomically(directory / DIGEST_FILE, content)
    return _digest_of(content)


def verify(directory: Path, place: str | None = None) -> str:
    """Compare every file with the seal. Returns the digest of the whole, `sha256:...`.

    `place` is what the error calls the folder, where that is a copy of something that a person knows.

    Raises LeptonError ARTIFACT_CORRUPT, which names the file that is missing, changed or not listed.
    """
    listed = _read_seal(directory)
    present = _files(directory) - UNSEALED
    for name in sorted(listed.keys() | present):
        if name not in present:
            raise _corrupt(place or directory, f"{name} is missing")
        if name not in listed:
            raise _corrupt(place or directory, f"{name} is not listed in its {DIGEST_FILE} file")
        if _file_sha256(directory / name) != listed[name]:
            raise _corrupt(place or directory, f"{name} is not what was sealed")
    return read_digest(directory)


def read_digest(directory: Path) -> str:
    """The digest of the whole as the seal states it, without looking at the other files."""
    return _digest_of(_read_bytes(directory))


def publish(directory: Path, url: str) -> None:
    """Copy a sealed folder to the URL of any fsspec file system, in the place of an older one.

    On the local file system it appears whole or not at all. Elsewhere the old seal goes first and the new one comes
    last: without it nothing is there. Raises LeptonError DISK_FULL or STORE_UNWRITABLE.
    """
    filesystem, path = _filesystem(url)
    with _failures_in_words(url, "written"):
        if _is_local(filesystem):
            _copy_in_place(directory, Path(path))
            return
        _clear(filesystem, path)
        for name in [*sorted(_files(directory) - {DIGEST_FILE}), DIGEST_FILE]:
            filesystem.put_file(str(directory / name), f"{path}/{name}")


def add(url: str, name: str, content: bytes) -> None:
    """Write a file that the seal does not cover beside those that it does: whole or not at all.

    Raises LeptonError DISK_FULL or STORE_UNWRITABLE.
    """
    filesystem, path = _filesystem(url)
    with _failures_in_words(url, "written"):
        if _is_local(filesystem):
            write_atomically(Path(path) / name, content)
        else:
            filesystem.pipe_file(f"{path}/{name}", content)


def read(url: str, name: str) -> bytes | None:
    """One file of the artifact at url, unverified; None where it is not there. Raises LeptonError STORE_UNWRITABLE."""
    filesystem, path = _filesystem(url)
    with _failures_in_words(url, "read"), suppress(FileNotFoundError):
        content: bytes = filesystem.cat_file(f"{path}/{name}")
        return content
    return None


def remove(url: str) -> None:
    """Delete the artifact at url, its seal first; nothing is done where nothing is. Raises LeptonError."""
    filesystem, path = _filesystem(url)
    with _failures_in_words(url, "removed"):
        _clear(filesystem, path)


def fetch(url: str, cache: Path) -> Path:
    """Copy the artifact at url to `<cache>/<hex of its digest>` and verify it; what is there already is only verified.

    Raises LeptonError: ARTIFACT_CORRUPT, DISK_FULL or STORE_UNWRITABLE. What fails leaves no folder behind.
    """
    filesystem, path = _filesystem(url)
    seal = _fetch_seal(filesystem, path, url)
    target = cache / _digest_of(seal).removeprefix("sha256:")
    if _is_sound(target):
        return target
    try:
        if target.exists():
            _set_aside(target)
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache) as temporary:
            fresh = Path(temporary) / "artifact"
            _download(filesystem, path, seal, fresh, url)
            verify(fresh, url)
            fresh.rename(target)
    except OSError as error:
        raise as_lepton_error(error, target) from error
    return target


@contextmanager
def _failures_in_words(url: str, done: str, disk: Path | None = None) -> Iterator[None]:
    """Turn what a file system raises into a LeptonError that says what could not be done and how to mend it.

    `disk` is what is written meanwhile, where that is not the artifact itself.
    """
    try:
        yield
    except LeptonError:
        raise
    except Exception as error:  # each file system has exceptions of its own
        if isinstance(error, OSError) and is_disk_full(error):
            raise as_lepton_error(error, disk or url) from error
        why = str(error) or type(error).__name__
        message = f"artifact {url} can't be {done} ({why}): {remedy(error, url)}; the work then goes on by itself"
        raise LeptonError(Reason.STORE_UNWRITABLE, message) from error


def _filesystem(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    with _failures_in_words(url, "kept there"):
        try:
            return open_url(url)
        except ValueError as error:
            message = f"artifacts can't be kept at {url} ({error}): choose another place"
            raise LeptonError(Reason.STORE_UNWRITABLE, message) from error


def _fetch_seal(filesystem: fsspec.AbstractFileSystem, path: str, url: str) -> bytes:
    with _failures_in_words(url, "read"):
        try:
            seal: bytes = filesystem.cat_file(f"{path}/{DIGEST_FILE}")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _corrupt(url, f"its {DIGEST_FILE} file is missing") from error
    return seal


def _download(filesystem: fsspec.AbstractFileSystem, path: str, seal: bytes, fresh: Path, url: str) -> None:
    for name in _parse_seal(url, seal):
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        with _failures_in_words(url, "read", fresh):
            try:
                filesystem.get_file(f"{path}/{name}", str(fresh / name))
            except FileNotFoundError as error:
                raise _corrupt(url, f"{name} is missing") from error
    (fresh / DIGEST_FILE).write_bytes(seal)


def _clear(filesystem: fsspec.AbstractFileSystem, path: str) -> None:
    with suppress(FileNotFoundError):
        filesystem.rm_file(f"{path}/{DIGEST_FILE}")
    with suppress(FileNotFoundError):
        filesystem.rm(path, recursive=True)


def _copy_in_place(directory: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".publish-", dir=target.parent) as temporary:
            fresh = Path(temporary) / "fresh"
            for name in _files(directory):  # copytree would hide a full disk in an error without a number
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(directory / name, fresh / name)
            if target.exists():
                target.rename(Path(temporary) / "old")
            fresh.rename(target)
    except OSError as error:
        raise as_lepton_error(error, target) from error


def _set_aside(directory: Path) -> None:
    """Out of the way in one step: a server that still reads the files never sees half of them."""
    with tempfile.TemporaryDirectory(prefix=".broken-", dir=directory.parent) as temporary:
        directory.rename(Path(temporary) / directory.name)


def _is_sound(directory: Path) -> bool:
    try:
        verify(directory)
    except (LeptonError, OSError):
        return False
    return True


def _is_local(filesystem: fsspec.AbstractFileSystem) -> bool:
    protocol = filesystem.protocol
    return "file" in ((protocol,) if isinstance(protocol, str) else protocol)


def _read_seal(directory: Path) -> dict[str, str]:
    return _parse_seal(directory, _read_bytes(directory))


def _read_bytes(directory: Path) -> bytes:
    try:
        return (directory / DIGEST_FILE).read_bytes()
    except FileNotFoundError as error:
        raise _corrupt(directory, f"its {DIGEST_FILE} file is missing") from error


def _parse_seal(place: Path | str, content: bytes) -> dict[str, str]:
    """Relative path to sha256; refuses what is no seal, and paths that would lead out of the folder."""
    listed: dict[str, str] = {}
    for line in content.decode(errors="replace").splitlines():
        value, separator, name = line.partition("  ")
        if not separator or not name or len(value) != 64 or name.startswith("/") or ".." in Path(name).parts:
            raise _corrupt(place, f"its {DIGEST_FILE} file holds a line that is none: {line[:80]!r}")
        listed[name] = value
    return listed


def _files(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _corrupt(place: Path | str, what: str) -> LeptonError:
    message = f"artifact {place}: {what}; restore it from a backup, or delete the model and apply it again"
    return LeptonError(Reason.ARTIFACT_CORRUPT, message)
