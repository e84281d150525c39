"""Folders for a while, and a place in a queue of one: both are given back even where whoever has them is killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder until the end of the block. Those of the prefix whose makers were killed are removed first."""
    for left in parent.glob(f"{prefix}*"):
        with held(left) as is_left:
            if is_left:
                shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
    with held(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold a file or folder that is there until the end of the block; whether nobody else does."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)
