"""Where a URL leads: the file system and path behind it, and its failures in words. Used by every source."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from lepton.errors import LeptonError
from lepton.files import as_lepton_error, is_disk_full
from lepton.spec.reasons import Reason
from lepton.urls import is_refusal, open_url, remedy, unusable

_REMEDY = ": put the data there, or mend data.uri"


@contextmanager
def failures_in_words(uri: str) -> Iterator[None]:
    """Turn what a file system raises into a LeptonError: final where a person must act, else to be tried again."""
    try:
        yield
    except LeptonError:
        raise
    except FileNotFoundError as error:
        if isinstance(error.__cause__, OSError):  # how fsspec's HTTP reports a host that can't be reached
            raise _transient(uri, error.__cause__) from error
        raise _not_found(f"nothing lies at {uri}{_REMEDY}") from error
    except IsADirectoryError as error:
        raise _not_found(f"{uri} is a folder, though its name is that of a file: rename it") from error
    except ImportError as error:
        raise _not_found(f"{uri} needs a driver that is not installed ({error}): {remedy(error, uri)}") from error
    except Exception as error:  # each file system has exceptions of its own
        if isinstance(error, OSError) and is_disk_full(error):
            raise as_lepton_error(error, error.filename or "the work folder") from error
        if is_refusal(error):
            raise _not_found(f"{uri} may not be read ({_why(error)}): {remedy(error, uri)}") from error
        raise _transient(uri, error) from error


def locate(uri: str) -> tuple[AbstractFileSystem, str]:
    """The file system and the path in it. Raises LeptonError with DATA_NOT_FOUND, naming near misses when local."""
    with failures_in_words(uri):
        try:
            files, path = open_url(uri)
        except ValueError as error:
            raise _not_found(unusable(uri) or f"{uri} can't be read ({error}){_REMEDY}") from error
        if isinstance(files, LocalFileSystem) and not Path(path).exists():
            raise _not_found(f"nothing lies at {uri}{_near_misses(Path(path))}")
        files.info(path)
        return files, path


def local_copy(uri: str, scratch: Path) -> Path:
    """The file itself when it lies on this machine, else a copy in the folder scratch."""
    files, path = locate(uri)
    if isinstance(files, LocalFileSystem):
        return Path(path)
    copy = scratch / "download"
    with failures_in_words(uri):
        files.get_file(path, str(copy))
    return copy


def _not_found(problem: str) -> LeptonError:
    """The error for data that can't be reached."""
    return LeptonError(Reason.DATA_NOT_FOUND, f"data.uri: {problem}")


def _transient(uri: str, error: Exception) -> LeptonError:
    return LeptonError(
        Reason.JOB_FAILED, f"data.uri: reading {uri} failed ({_why(error)}): it is tried again by itself"
    )


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__


def _near_misses(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f": the folder {parent} doesn't exist either"
    near = difflib.get_close_matches(path.name, [entry.name for entry in parent.iterdir()], n=3, cutoff=0.5)
    return f": did you mean {' or '.join(str(parent / name) for name in near)}?" if near else _REMEDY
