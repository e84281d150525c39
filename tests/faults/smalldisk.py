"""A disk that is full: a file system of a few KiB where one may be mounted, else a limit on what a job may write."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def may_mount(folder: Path) -> bool:
    """Whether a file system can be mounted here."""
    done = _mount(folder, "16k")
    if done:
        subprocess.run(["umount", str(folder)], check=True)
    return done


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Let nothing but 4 KiB fit into the folder; at the end there is room, and what was there stays hidden."""
    folder.mkdir(parents=True, exist_ok=True)
    assert _mount(folder, "4k"), f"nothing can be mounted at {folder}"
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,size=256m", str(folder)], check=True)


def remove(folder: Path) -> None:
    """Take a small disk away."""
    subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def _mount(folder: Path, size: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "lepton-small-disk", str(folder)]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
