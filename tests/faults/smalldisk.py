"""A disk that is full: a file system of 4 KiB where one may be mounted, else a limit on the files that a job writes."""

import resource
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.installation import Installation

LIMIT_BYTES = 32 * 1024
"""Room for what a job prints and for its last words, but not for its data."""


def may_mount(folder: Path) -> bool:
    """Whether a file system can be mounted here."""
    mounted = _mount(folder)
    if mounted:
        _unmount(folder)
    return mounted


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Let nothing fit into the folder; at the end the disk below it is back, with all its room."""
    folder.mkdir(parents=True, exist_ok=True)
    assert _mount(folder), f"nothing can be mounted at {folder}"
    try:
        (folder / "ballast").write_bytes(bytes(4096))
        yield
    finally:
        _unmount(folder)


@contextmanager
def limited_job(installation: Installation, words: str) -> Iterator[None]:
    """Let the workers whose command line holds these words write small files only."""
    over = threading.Event()

    def limit() -> None:
        while not over.wait(0.02):
            for worker in installation.processes("services.worker", words):
                _limit(worker, LIMIT_BYTES)

    thread = threading.Thread(target=limit)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _limit(process: psutil.Process, size: int) -> None:
    try:
        process.rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    except psutil.NoSuchProcess:
        return


def _mount(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", "size=4k", "lepton-full-disk", str(folder)]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
