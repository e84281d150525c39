"""What `python -m tests.node` says where no node can be started."""

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from tests.node import __main__ as node

Disk = namedtuple("Disk", "total used free")
GB = 10**9


@pytest.mark.parametrize(
    ("user", "missing", "disk", "told"),
    [
        (0, [], Disk(100 * GB, 60 * GB, 40 * GB), []),
        (1000, [], Disk(100 * GB, 60 * GB, 40 * GB), ["run it as root: it makes namespaces and mounts"]),
        (0, ["runc", "conntrack"], Disk(100 * GB, 99 * GB, GB), ["run `sudo apt-get install runc conntrack`"]),
        (0, [], Disk(100 * GB, 96 * GB, 4 * GB), ["free 1.0 GB more of the disk of {kept}"]),
        (0, [], Disk(1000 * GB, 990 * GB, 10 * GB), ["free 10.0 GB more of the disk of {kept}"]),
    ],
    ids=["nothing is missing", "not root", "packages are missing", "little room", "a share of a large disk"],
)
def test_it_says_what_to_do(
    user: int, missing: list[str], disk: Disk, told: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(node, "lacking", lambda: missing)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: disk)
    assert node.complaints()[:1] == [one.format(kept=node.kept()) for one in told]
