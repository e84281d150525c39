"""The control groups of the node's containers: below one of their own, so that a killed node's can be removed."""

from contextlib import suppress
from pathlib import Path

ROOT = "/lepton-node"
_MOUNT = Path("/sys/fs/cgroup")


def prepare() -> None:
    """Make the root in every hierarchy, and remove what containers of an earlier node left there."""
    for hierarchy in _hierarchies():
        root = hierarchy / ROOT.lstrip("/")
        root.mkdir(exist_ok=True)
        for group in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
            with suppress(OSError):  # another node's, which runs
                group.rmdir()


def _hierarchies() -> list[Path]:
    """One for each controller in version 1; one in version 2."""
    if (_MOUNT / "cgroup.controllers").exists():
        return [_MOUNT]
    return [path.parent for path in _MOUNT.glob("*/cgroup.procs")]
