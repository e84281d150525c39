"""Where a URL leads: the file system and path behind it, and its failures in words. Used by every source but digits."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from lepton.errors import LeptonError
from lepton.files import as_lepton_error, is_disk_full
from lepton.spec.reasons import Reason

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
    except PermissionError as error:
        raise _not_found(f"{uri} may not be read: grant access to it") from error
    except ImportError as error:
        raise _not_found(f"{uri} needs a package that is not installed ({error})") from error
    except OSError as error:
        if is_disk_full(error):
            raise as_lepton_error(error, Path(error.filename or "the work folder")) from error
        raise _transient(uri, error) from error
    except Exception as error:  # each file system has exceptions of its own
        raise _transient(uri, error) from error


def locate(uri: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system and the path in it. Raises LeptonError with DATA_NOT_FOUND, naming near misses when local."""
    with failures_in_words(uri):
        try:
            files, path = fsspec.core.url_to_fs(uri)
        except ValueError as error:
            raise _not_found(
                f"{uri} is of no kind that can be read ({error}): give a path, or a URL such as s3://, gs:// or https://"
            ) from error
        path = str(path)
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
    said = str(error) or type(error).__name__
    return LeptonError(Reason.JOB_FAILED, f"data.uri: reading {uri} failed ({said}): it is tried again by itself")


def _near_misses(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f": the folder {parent} doesn't exist either"
    near = difflib.get_close_matches(path.name, [entry.name for entry in parent.iterdir()], n=3, cutoff=0.5)
    return f": did you mean {' or '.join(str(parent / name) for name in near)}?" if near else _REMEDY
