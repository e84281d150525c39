"""Writing a file so that a reader, a full disk or a kill never sees half of it."""

import errno
import os
from contextlib import suppress
from pathlib import Path

from lepton.errors import LeptonError
from lepton.spec.reasons import Reason


def write_atomically(path: Path, content: bytes) -> None:
    """Write content beside path, flush it to disk and rename it over path.

    Raises LeptonError with DISK_FULL or STORE_UNWRITABLE; path then still holds what it held before.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise as_lepton_error(error, path) from error


def is_disk_full(error: OSError) -> bool:
    """Whether a write failed for want of space or quota."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def as_lepton_error(error: OSError, path: Path | str) -> LeptonError:
    """The error of a failed write, in words for a person."""
    if is_disk_full(error):
        message = f"no space left to write {path}: free some space; the work then goes on by itself"
        return LeptonError(Reason.DISK_FULL, message)
    why = error.strerror or error
    message = f"can't write {path} ({why}): make the folder writable; the work then goes on by itself"
    return LeptonError(Reason.STORE_UNWRITABLE, message)
